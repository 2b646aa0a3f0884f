using System.Runtime.ExceptionServices;
using HomeStage.Hosting;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using HomeStage.Hosting.Turns;
using HomeStage.Storage;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HomeStage.Staging.Retention;

/// <summary>
/// Removes what was kept for its time: unused photos, stagings that ended long ago, files of deleted ones, old events, request keys and webhooks. One
/// replica at a time sweeps, in small steps that each stand for themselves, so that whoever comes next goes on where it stopped.
/// </summary>
internal sealed partial class RetentionSweep(
    IDbContextFactory<StagingDb> databases, NpgsqlDataSource dataSource, IBlobStore blobs, Deletion deletion, RetentionSettings kept, StagingMetrics metrics, Sweeps sweeps,
    TimeProvider time, ILogger<RetentionSweep> logger)
    : RecurringWork("retention", TimeSpan.FromMinutes(1), sweeps, time)
{
    /// <summary>Of its <see cref="Turn"/>.</summary>
    internal const long TurnKey = 0x486F_6D65_4B65_6570;

    // Things with files are removed one by one, rows many at once.
    private const int FewAtOnce = 100;
    private const int ManyAtOnce = 1000;

    // So that one kind with much to remove does not keep the others waiting.
    private const int MostSteps = 20;

    // Long enough for a submission that began when the photo was still usable.
    private static readonly TimeSpan PhotoGrace = TimeSpan.FromMinutes(5);

    /// <summary>One look. What fails of one kind does not keep the others.</summary>
    /// <returns>False if another replica is at it.</returns>
    internal async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        await using var turn = await Turn.TryTakeAsync(dataSource, TurnKey, cancellationToken);
        if (turn is null)
            return false;
        (string Kind, int Size, Func<CancellationToken, Task<int>> Step)[] kinds =
        [
            ("photos", FewAtOnce, RemovePhotosAsync),
            ("stagings", FewAtOnce, RemoveStagingsAsync),
            ("files_of_deleted", FewAtOnce, PurgeAsync),
            ("events", ManyAtOnce, RemoveEventsAsync),
            ("request_keys", ManyAtOnce, RemoveRequestKeysAsync),
            ("webhooks", ManyAtOnce, RemoveWebhooksAsync),
        ];
        Exception? failure = null;
        foreach (var (kind, size, step) in kinds)
        {
            try
            {
                await RemoveAsync(kind, size, step, cancellationToken);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                failure ??= error;
            }
        }

        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
        return true;
    }

    protected override Task<bool> WorkAsync(CancellationToken cancellationToken) => SweepAsync(cancellationToken);

    protected override void Failed(Exception error) => Log.SweepFailed(logger, error);

    private async Task RemoveAsync(string kind, int size, Func<CancellationToken, Task<int>> step, CancellationToken cancellationToken)
    {
        var removed = 0;
        try
        {
            for (int found = size, steps = 0; found == size && steps < MostSteps; steps++)
            {
                found = await step(cancellationToken);
                removed += found;
                metrics.Expired(kind, found);
            }
        }
        finally
        {
            if (removed > 0)
                Log.Removed(logger, removed, kind);
        }
    }

    private async Task<int> RemovePhotosAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var oldest = Time.GetUtcNow() - PhotoGrace;
        var photos = await db.Photos.AsNoTracking().Where(photo => photo.ExpiresAt < oldest).OrderBy(photo => photo.ExpiresAt).Take(FewAtOnce).ToListAsync(cancellationToken);
        foreach (var photo in photos)
        {
            await blobs.DeleteAsync(photo.Blob, cancellationToken);
            await db.Photos.Where(row => row.Id == photo.Id).ExecuteDeleteAsync(cancellationToken);
        }

        return photos.Count;
    }

    private async Task<int> RemoveStagingsAsync(CancellationToken cancellationToken)
    {
        var oldest = Time.GetUtcNow() - kept.Results;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var ids = await db.Jobs
            .Where(job => job.DueAt == null && job.DeletedAt == null && job.FinishedAt < oldest && !db.Disclosures.Any(row => row.JobId == job.Id && row.RevokedAt == null))
            .OrderBy(job => job.FinishedAt).Select(job => job.Id).Take(FewAtOnce).ToListAsync(cancellationToken);
        foreach (var id in ids)
            await deletion.ExpireAsync(id, cancellationToken);
        return ids.Count;
    }

    private async Task<int> PurgeAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var ids = await db.Jobs.Where(job => job.DeletedAt != null && !job.Purged).OrderBy(job => job.DeletedAt).Select(job => job.Id).Take(FewAtOnce).ToListAsync(cancellationToken);
        foreach (var id in ids)
            await deletion.PurgeAsync(id, cancellationToken);
        return ids.Count;
    }

    // The oldest first: a stream that has an event has all that follow it.
    private async Task<int> RemoveEventsAsync(CancellationToken cancellationToken)
    {
        var oldest = Time.GetUtcNow() - kept.Events;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.ExecuteSqlAsync(
            $"""
            delete from events where (account_id, account_n) in (
              select account_id, account_n from events where recorded_at < {oldest} order by recorded_at, account_n limit {ManyAtOnce})
            """,
            cancellationToken);
    }

    private async Task<int> RemoveRequestKeysAsync(CancellationToken cancellationToken)
    {
        var oldest = Time.GetUtcNow() - kept.RequestKeys;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.ExecuteSqlAsync(
            $"""
            delete from request_keys where (account_id, key) in (
              select account_id, key from request_keys where created_at < {oldest} order by created_at limit {ManyAtOnce})
            """,
            cancellationToken);
    }

    private async Task<int> RemoveWebhooksAsync(CancellationToken cancellationToken)
    {
        var oldest = Time.GetUtcNow() - kept.Webhooks;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.ExecuteSqlAsync(
            $"delete from webhook_deliveries where n in (select n from webhook_deliveries where created_at < {oldest} order by created_at limit {ManyAtOnce})", cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The retention sweep failed; it goes on in a minute", EventName = "retention_failed")]
        public static partial void SweepFailed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Information, "{Count} of {Kind} were kept for their time and are removed", EventName = "retention_removed")]
        public static partial void Removed(ILogger logger, int count, string kind);
    }
}

/// <summary>What is kept, and for how long.</summary>
internal static class RetentionFeature
{
    internal static void AddRetention(this ServiceBuilder service)
    {
        service.Services.AddSingleton(RetentionSettings.Read(service.Settings));
        service.Services.AddSingleton<Deletion>();
        service.Services.AddSingleton<RetentionSweep>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<RetentionSweep>());
        service.Services.AddSingleton<OrphanSweep>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<OrphanSweep>());
        service.Services.AddHostedService<LeftFiles>();
    }
}
