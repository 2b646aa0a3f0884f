using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Attempts;

/// <summary>
/// Lets time pass for jobs: sends what is due, sends again what nobody claimed, takes expired leases back, ends what is over.
/// Every replica runs one; rows that another is at are skipped.
/// </summary>
internal sealed partial class Scheduler(IDbContextFactory<StagingDb> databases, JobWriter jobs, Sweeps sweeps, TimeProvider time, ILogger<Scheduler> logger)
    : RecurringWork("job_schedule", TimeSpan.FromMilliseconds(500), sweeps, time)
{
    private const int BatchSize = 100;

    // While nobody could renew, a lease that ran out says nothing about its worker.
    private static readonly TimeSpan Grace = JobMachine.Lease;

    /// <summary>When leases may expire; null until the database has been reached.</summary>
    private DateTimeOffset? _leasesExpireFrom;

    /// <summary>The longest that one look is expected to take.</summary>
    protected override TimeSpan Expected => TimeSpan.FromSeconds(10);

    /// <summary>One look; returns how many jobs were due.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        var leasesMayExpire = _leasesExpireFrom <= now;
        var due = await DueAsync(now, leasesMayExpire, cancellationToken);
        _leasesExpireFrom ??= now + Grace;
        foreach (var id in due)
            await TickAsync(id, leasesMayExpire, cancellationToken);
        return due.Count;
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        while (await SweepAsync(cancellationToken) == BatchSize)
        {
            // There may be more.
        }

        return true;
    }

    protected override void Failed(Exception error)
    {
        Log.SweepFailed(logger, error);
        _leasesExpireFrom = null;
    }

    private async Task<List<Guid>> DueAsync(DateTimeOffset now, bool leasesMayExpire, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.SqlQuery<Guid>(
            $"""
            select id as "Value" from jobs
            where due_at <= {now} and (claim_id is null or {leasesMayExpire})
            order by due_at limit {BatchSize}
            """).ToListAsync(cancellationToken);
    }

    private async Task TickAsync(Guid id, bool leasesMayExpire, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Another replica's sweep, or a worker's message, is at it: the next look decides.
        var free = await db.Database.SqlQuery<Guid>($"""select id as "Value" from jobs where id = {id} for update skip locked""").ToListAsync(cancellationToken);
        if (free.Count == 0)
            return;
        var decision = await jobs.ApplyAsync(db, id, new JobCommand.Tick(leasesMayExpire), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        jobs.Committed(decision);
        if (decision?.Ended is { Outcome: "lease_lost" })
            Log.LeaseLost(logger, id);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Due jobs cannot be read; trying again", EventName = "sweep_failed")]
        public static partial void SweepFailed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "The worker of job {JobId} stopped renewing; the job goes to another", EventName = "lease_lost")]
        public static partial void LeaseLost(ILogger logger, Guid jobId);
    }
}
