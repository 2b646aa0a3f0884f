using System.Diagnostics;
using HomeStage.Testing;
using HomeStage.Tool.Prerequisites;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>The script against an apt-get and apt-cache of the test's own, which write down what they were asked.</summary>
public sealed class AptScriptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Policy => _folder.File("policy-rc.d");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_service_may_start_while_packages_are_installed_and_the_guard_is_gone_afterwards()
    {
        Program("apt-get", $"[ -x {Policy} ] && ! {Policy} && echo guarded: \"$@\" >> {Calls}");

        (await RunAsync("redis-server")).ShouldBe(0);

        Asked().ShouldHaveSingleItem().ShouldMatch("guarded: install .*redis-server");
        File.Exists(Policy).ShouldBeFalse();
    }

    [Fact]
    public async Task The_guard_is_gone_also_when_the_installation_fails()
    {
        Program("apt-get", "exit 100");

        (await RunAsync("redis-server")).ShouldBe(1);

        File.Exists(Policy).ShouldBeFalse();
    }

    [Fact]
    public async Task A_guard_of_the_machine_itself_stays_as_it_is()
    {
        File.WriteAllText(Policy, "#!/bin/sh\nexit 101\n");
        Program("apt-get", "exit 0");

        await RunAsync("redis-server");

        File.ReadAllText(Policy).ShouldBe("#!/bin/sh\nexit 101\n");
    }

    [Fact]
    public async Task Lists_that_are_too_old_are_fetched_and_the_installation_tried_once_more()
    {
        Program("apt-get", $"""
            case "$1" in
              update) touch {_folder.File("updated")} ;;
              *) echo "$1" >> {Calls}; [ -e {_folder.File("updated")} ] ;;
            esac
            """);

        (await RunAsync("redis-server")).ShouldBe(0);
    }

    [Fact]
    public async Task Of_alternative_packages_the_first_that_exists_is_installed()
    {
        Program("apt-cache", "[ \"$2\" = libvips42t64 ]");
        Program("apt-get", $"echo \"$@\" >> {Calls}");

        (await RunAsync("libvips42|libvips42t64")).ShouldBe(0);

        Asked().ShouldHaveSingleItem().ShouldEndWith(" libvips42t64");
    }

    private string Calls => _folder.File("calls");

    private string[] Asked() => [.. File.ReadAllLines(Calls).Where(line => !line.StartsWith("update", StringComparison.Ordinal) && !line.Contains(" update"))];

    private void Program(string name, string body)
    {
        File.WriteAllText(_folder.File(name), $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder.File(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private async Task<int> RunAsync(params string[] packages)
    {
        if (!File.Exists(_folder.File("apt-cache")))
            Program("apt-cache", "exit 0");
        var start = new ProcessStartInfo("/bin/sh", ["-c", AptScript.Text(Policy), "homestage", .. packages]) { UseShellExecute = false };
        start.Environment["PATH"] = $"{_folder.FullPath}:{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }
}
