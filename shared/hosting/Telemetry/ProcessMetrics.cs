using System.Diagnostics.Metrics;
using System.Globalization;

namespace HomeStage.Hosting.Telemetry;

/// <summary>What the runtime's own meter leaves out about the process.</summary>
internal sealed class ProcessMetrics : IDisposable
{
    private const string ContainerLimit = "/sys/fs/cgroup/memory.max";

    private readonly Meter _meter;

    public ProcessMetrics(IMeterFactory meters, IEnumerable<WatchedFolder> folders)
    {
        _meter = meters.Create("HomeStage.Process");
        var limit = MemoryLimit();
        var watched = folders.ToArray();
        _meter.CreateObservableGauge("homestage.process.memory.limit", () => limit, "By", "Memory that the process may use: its container's limit, or what the machine has.");
        if (watched.Length == 0)
            return;
        _meter.CreateObservableGauge("homestage.disk.free", () => Each(watched, disk => disk.AvailableFreeSpace), "By", "Free space of the disk under a folder that the service writes to, by `folder`.");
        _meter.CreateObservableGauge("homestage.disk.size", () => Each(watched, disk => disk.TotalSize), "By", "Size of the disk under a folder that the service writes to, by `folder`.");
    }

    public void Dispose() => _meter.Dispose();

    private static IEnumerable<Measurement<long>> Each(WatchedFolder[] folders, Func<DriveInfo, long> figure) =>
        folders.Select(folder => new Measurement<long>(figure(new DriveInfo(folder.Path)), new KeyValuePair<string, object?>("folder", folder.Name)));

    private static long MemoryLimit()
    {
        var machine = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        try
        {
            // "max" where there is none.
            return long.TryParse(File.ReadAllText(ContainerLimit), NumberStyles.None | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var limit) ? limit : machine;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return machine;
        }
    }
}

/// <summary>A folder whose disk must not fill up unseen.</summary>
/// <param name="Name">As it stands in the metrics.</param>
/// <param name="Path">Where it is.</param>
public sealed record WatchedFolder(string Name, string Path);
