using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Staging.Retention;

/// <summary>
/// Removes what a process left among the temporary files when it was killed: photos that were being sent, archives that were being read. They are
/// customers', and nobody else removes them from a volume. Each replica looks after its own folder.
/// </summary>
internal sealed partial class LeftFiles(Sweeps sweeps, TimeProvider time, ILogger<LeftFiles> logger)
    : RecurringWork("left_files", TimeSpan.FromHours(1), sweeps, time)
{
    /// <summary>Begins the names of archives on their way to somebody.</summary>
    internal const string Archive = "homestage-archive-";

    // ASP.NET Core's name of a body that waits on the disk.
    private static readonly string[] Names = ["ASPNETCORE_*.tmp", Archive + "*"];

    // Nothing that is still in use is nearly as old.
    private static readonly TimeSpan OldEnough = TimeSpan.FromDays(1);

    /// <summary>One look; by the clock of the machine, which files have their times of.</summary>
    internal static void Remove()
    {
        var folder = new DirectoryInfo(Path.GetTempPath());
        var oldest = TimeProvider.System.GetUtcNow() - OldEnough;
        foreach (var file in Names.SelectMany(name => folder.EnumerateFiles(name)).Where(file => file.LastWriteTimeUtc < oldest.UtcDateTime))
            file.Delete();
    }

    protected override Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        Remove();
        return Task.FromResult(true);
    }

    protected override void Failed(Exception error) => Log.Left(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Temporary files that were left behind could not be removed; trying again in an hour", EventName = "files_left")]
        public static partial void Left(ILogger logger, Exception exception);
    }
}
