using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using HomeStage.Hosting.Turns;
using HomeStage.Staging.Attempts;
using HomeStage.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HomeStage.Staging.Retention;

/// <summary>
/// Removes files that nothing points at: previews and whatever else a worker wrote for a job that has ended, what a crash left between a file and its row.
/// Only files that are older than <c>RETENTION_PREVIEWS_HOURS</c>, and never one of a job that has not ended. One replica at a time sweeps.
/// </summary>
internal sealed partial class OrphanSweep(
    IDbContextFactory<StagingDb> databases, NpgsqlDataSource dataSource, IBlobStore blobs, RetentionSettings kept, StagingMetrics metrics, Sweeps sweeps, TimeProvider time, ILogger<OrphanSweep> logger)
    : RecurringWork("orphaned_blobs", TimeSpan.FromHours(6), sweeps, time)
{
    /// <summary>Of its <see cref="Turn"/>.</summary>
    internal const long TurnKey = 0x486F_6D65_5377_6570;
    private const int BatchSize = 500;
    private const string Photos = "photos";

    protected override TimeSpan RetryAfter => TimeSpan.FromMinutes(5);

    /// <summary>One pass over the whole store.</summary>
    /// <returns>How many files were removed; null if another replica is at it.</returns>
    internal async Task<int?> SweepAsync(CancellationToken cancellationToken)
    {
        await using var turn = await Turn.TryTakeAsync(dataSource, TurnKey, cancellationToken);
        if (turn is null)
            return null;
        var removed = 0;
        var oldest = Time.GetUtcNow() - kept.Previews;
        await foreach (var batch in blobs.ListAsync("", cancellationToken).Where(entry => entry.StoredAt < oldest).Chunk(BatchSize).WithCancellation(cancellationToken))
            removed += await SweepAsync(batch, cancellationToken);
        if (removed > 0)
            Log.Swept(logger, removed);
        return removed;
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken) => await SweepAsync(cancellationToken) is not null;

    protected override void Failed(Exception error) => Log.SweepFailed(logger, error);

    private async Task<int> SweepAsync(BlobEntry[] batch, CancellationToken cancellationToken)
    {
        var files = batch.Select(entry => (entry.Key, Owner: OwnerOf(entry.Key))).Where(file => file.Owner is not null).ToList();
        var needed = await NeededAsync([.. files.Select(file => file.Owner!.Value.Id).Distinct()], cancellationToken);
        var removed = 0;
        foreach (var (key, owner) in files)
        {
            if (needed.Whole.Contains(owner!.Value.Id) || needed.Keys.Contains(key))
                continue;
            await blobs.DeleteAsync(key, cancellationToken);
            metrics.OrphanRemoved(owner.Value.IsPhoto ? "photo" : "job");
            removed++;
        }

        return removed;
    }

    /// <summary>Photos that are there, jobs that have not ended, and what those that have ended show.</summary>
    private async Task<(HashSet<Guid> Whole, HashSet<string> Keys)> NeededAsync(Guid[] owners, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var photos = await db.Photos.Where(photo => owners.Contains(photo.Id)).Select(photo => photo.Id).ToListAsync(cancellationToken);
        var jobs = await db.Jobs.AsNoTracking().Where(job => owners.Contains(job.Id)).ToListAsync(cancellationToken);
        var ended = jobs.Where(job => job is { IsTerminal: true, DeletedAt: null });
        return ([.. photos, .. jobs.Where(job => !job.IsTerminal).Select(job => job.Id)], [.. ended.SelectMany(Shown)]);
    }

    private static IEnumerable<string> Shown(Job job) =>
        job.Pictures.SelectMany(picture => (string[])[picture.Clean, picture.Labeled, picture.Thumb]).Append(job.OriginalBlob);

    // What is neither a photo's nor a job's is not ours to judge.
    private static (Guid Id, bool IsPhoto)? OwnerOf(string key)
    {
        var segments = key.Split('/');
        var isPhoto = segments[0] == Photos;
        return Guid.TryParse(segments.ElementAtOrDefault(isPhoto ? 1 : 0), out var id) ? (id, isPhoto) : null;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Count} files that nothing points at were removed", EventName = "orphans_swept")]
        public static partial void Swept(ILogger logger, int count);

        [LoggerMessage(2, LogLevel.Warning, "The sweep of orphaned files failed; it goes on in some minutes", EventName = "orphan_sweep_failed")]
        public static partial void SweepFailed(ILogger logger, Exception exception);
    }
}
