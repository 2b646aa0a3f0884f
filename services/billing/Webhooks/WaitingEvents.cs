using HomeStage.Billing.Stripe;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>
/// Applies stored events that are due. Taking one moves its due time on, further each time, so a replica that dies with it
/// only delays it, and two replicas do not take the same.
/// </summary>
internal sealed partial class WaitingEvents(
    IDbContextFactory<BillingDb> databases, EventApplication application, TimeProvider time, ILogger<WaitingEvents> logger) : BackgroundService
{
    /// <summary>How long an event waits for its order at first.</summary>
    internal static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(5);

    /// <summary>How long it waits at all: no longer than Stripe itself keeps events.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromDays(30);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>Tries every event that is due; returns how many there were.</summary>
    internal async Task<int> ApplyDueAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        while (await TakeAsync(cancellationToken) is { } stored)
        {
            count++;
            try
            {
                await ApplyAsync(stored, cancellationToken);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Failed(logger, stored.Id, error);
            }
        }

        return count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ApplyDueAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Unreadable(logger, error);
            }
        }
    }

    private async Task<StoredEvent?> TakeAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var taken = await db.StripeEvents.FromSql(
            $"""
            update stripe_events set attempts = attempts + 1, due_at = {now} + least(3600, 10 * 2 ^ least(attempts, 10)) * interval '1 s'
            where id = (select id from stripe_events where state = 'waiting' and due_at <= {now} order by due_at limit 1 for update skip locked)
            returning *
            """).AsNoTracking().ToListAsync(cancellationToken);
        return taken.SingleOrDefault();
    }

    private async Task ApplyAsync(StoredEvent stored, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var verdict = await application.ApplyAsync(db, StripeEvent.Read(stored.Payload)!, stored.CreatedAt, cancellationToken);
        var now = time.GetUtcNow();
        if (verdict.State == EventState.Waiting)
        {
            if (now - stored.ReceivedAt < Patience)
                return;
            verdict = verdict with { State = EventState.Ignored, Reason = "order_never_came" };
        }

        var settled = await db.StripeEvents.Where(row => row.Id == stored.Id && row.State == EventState.Waiting).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.State, verdict.State)
                .SetProperty(row => row.Reason, verdict.Reason)
                .SetProperty(row => row.OrderId, verdict.OrderId)
                .SetProperty(row => row.DueAt, (DateTimeOffset?)null)
                .SetProperty(row => row.SettledAt, now),
            cancellationToken);
        if (settled == 0)
            return;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        application.Report(stored.Id, stored.Type, verdict);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Stored event {EventId} could not be applied; it stays due", EventName = "stripe_event_failed")]
        public static partial void Failed(ILogger logger, string eventId, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Stored events cannot be read; trying again", EventName = "stripe_events_unreadable")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
