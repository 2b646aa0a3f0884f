using System.Globalization;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

public sealed class FreePortsTests
{
    [Fact]
    public void Every_port_is_given_once_and_lies_in_a_block_that_no_other_process_can_take()
    {
        var ports = Enumerable.Range(0, 2 * FreePorts.BlockSize).Select(_ => FreePorts.Next()).ToList();

        ports.ShouldBeUnique();
        foreach (var start in ports.Select(port => port - (port % FreePorts.BlockSize)).Distinct())
            FolderLock.TryTake(Path.Combine(FreePorts.Folder, start.ToString(CultureInfo.InvariantCulture))).ShouldBeNull();
    }
}
