using HomeStage.Hosting;
using HomeStage.Hosting.Telemetry;
using HomeStage.Storage;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Retention;

/// <summary>Removes what is kept for a time only: unused photos, files of deleted jobs, old idempotency keys. Safe on every replica at once.</summary>
internal sealed partial class RetentionSweep(
    IDbContextFactory<StagingDb> databases, IBlobStore blobs, Deletion deletion, Sweeps sweeps, TimeProvider time, ILogger<RetentionSweep> logger) : BackgroundService
{
    private const string SweepName = "retention";
    private const int BatchSize = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeysKept = TimeSpan.FromDays(7);

    // Long enough for a submission that began when the photo was still usable.
    private static readonly TimeSpan PhotoGrace = TimeSpan.FromMinutes(5);

    /// <summary>One look.</summary>
    internal async Task SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        foreach (var photo in await db.Photos.AsNoTracking().Where(row => row.ExpiresAt < now - PhotoGrace).Take(BatchSize).ToListAsync(cancellationToken))
        {
            await blobs.DeleteAsync(photo.Blob, cancellationToken);
            await db.Photos.Where(row => row.Id == photo.Id).ExecuteDeleteAsync(cancellationToken);
        }

        foreach (var id in await db.Jobs.Where(job => job.DeletedAt != null && !job.Purged).OrderBy(job => job.DeletedAt).Select(job => job.Id).Take(BatchSize).ToListAsync(cancellationToken))
            await deletion.PurgeAsync(id, cancellationToken);
        await db.RequestKeys.Where(key => key.CreatedAt < now - KeysKept).ExecuteDeleteAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sweeps.Expect(SweepName, Interval);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
                sweeps.Succeeded(SweepName);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                sweeps.Failed(SweepName);
                Log.SweepFailed(logger, error);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The retention sweep failed; it goes on in a minute", EventName = "retention_failed")]
        public static partial void SweepFailed(ILogger logger, Exception exception);
    }
}

/// <summary>What is kept, and for how long.</summary>
internal static class RetentionFeature
{
    internal static void AddRetention(this ServiceBuilder service)
    {
        service.Services.AddSingleton<Deletion>();
        service.Services.AddSingleton<RetentionSweep>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<RetentionSweep>());
        service.Services.AddSingleton<OrphanSweep>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<OrphanSweep>());
    }
}
