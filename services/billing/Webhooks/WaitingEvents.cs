using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>
/// Applies stored events that are due: those that need Stripe's answer, and those whose order was not there. Taking one moves its due
/// time on, further each time, so a replica that dies with it only delays it, and two replicas do not take the same.
/// </summary>
internal sealed partial class WaitingEvents(
    IDbContextFactory<BillingDb> databases, EventApplication application, PaymentLookup payments, Sweeps sweeps, TimeProvider time, ILogger<WaitingEvents> logger)
    : RecurringWork("waiting_events", PollInterval, sweeps, time)
{
    /// <summary>How long it waits at all: no longer than Stripe itself keeps events.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromDays(30);

    /// <summary>How long an event waits that Stripe, or too much traffic about its order, kept from being applied.</summary>
    private static readonly TimeSpan OutageWait = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    /// <summary>How many are applied at once: most of the time goes by in waiting for Stripe.</summary>
    private const int Lanes = 4;

    /// <summary>How often a stale answer is asked for again at once; what is still busy then is left to its next turn.</summary>
    private const int Tries = 5;

    private readonly Wakeup _wakeup = new();

    /// <summary>A look may take so long: calls to Stripe that are slow and repeated.</summary>
    protected override TimeSpan Expected => TimeSpan.FromMinutes(1);

    /// <summary>Makes this replica look at once; calls in a burst are one look.</summary>
    internal void Wake() => _wakeup.Call();

    /// <summary>Tries every event that is due; returns how many there were.</summary>
    internal async Task<int> ApplyDueAsync(CancellationToken cancellationToken) =>
        (await Task.WhenAll(Enumerable.Range(0, Lanes).Select(_ => DrainAsync(cancellationToken)))).Sum();

    /// <summary>Makes every waiting event due, or those of one order.</summary>
    internal async Task HurryAsync(Guid? orderId, CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.StripeEvents.Where(row => row.State == EventState.Waiting && row.DueAt > now && (orderId == null || row.OrderId == orderId))
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.DueAt, now), cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _wakeup.Dispose();
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await ApplyDueAsync(cancellationToken);
        return true;
    }

    protected override Task WaitAsync(CancellationToken cancellationToken) => _wakeup.WaitAsync(PollInterval, cancellationToken);

    protected override void Failed(Exception error) => Log.Unreadable(logger, error);

    private async Task<int> DrainAsync(CancellationToken cancellationToken)
    {
        var count = 0;
        while (await TakeAsync(cancellationToken) is { } stored)
        {
            count++;
            try
            {
                await ApplyAsync(stored, cancellationToken);
            }
            catch (StripeException error) when (error.Retryable)
            {
                // The others would fare no better now.
                await PostponeAsync(stored, cancellationToken);
                return count;
            }
            catch (StripeException error)
            {
                // It fails until something is mended, here or at Stripe: it waits ever longer, and not for ever.
                Log.Failed(logger, stored.Id, error);
                await SettleAsync(stored, _ => Task.FromResult<Verdict?>(new(EventState.Waiting, stored.Reason, stored.OrderId)), cancellationToken);
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Failed(logger, stored.Id, error);
            }
        }

        return count;
    }

    private async Task<StoredEvent?> TakeAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var taken = await db.StripeEvents.FromSql(
            $"""
            update stripe_events set attempts = attempts + 1, due_at = {now} + least(3600, 10 * 2 ^ least(attempts, 10)) * interval '1 s'
            where id = (select id from stripe_events where state = 'waiting' and due_at <= {now} order by due_at limit 1 for update skip locked)
            returning id, type, livemode, api_version, created_at, received_at, payload, source, order_id, state, reason, due_at, attempts, settled_at
            """).AsNoTracking().ToListAsync(cancellationToken);
        return taken.SingleOrDefault();
    }

    private async Task ApplyAsync(StoredEvent stored, CancellationToken cancellationToken)
    {
        var happened = StripeEvent.Read(stored.Payload)!;
        if (!PaymentEvents.Includes(stored.Type))
        {
            Guid[] named = application.OrderOf(happened) is { } order ? [order] : [];
            await SettleAsync(
                stored,
                async db => await application.ApplyAsync(db, await db.LockOrdersAsync(named, cancellationToken), happened, stored.CreatedAt, cancellationToken),
                cancellationToken);
            return;
        }

        var reference = PaymentReference.Read(happened.Object)!;
        for (var tried = 0; tried < Tries; tried++)
        {
            var (answer, verdict) = await payments.FindAsync(reference, cancellationToken);
            if (await SettleAsync(
                stored, async db => answer is null ? verdict : await application.ApplyAsync(db, answer, cancellationToken), cancellationToken, answer?.Heard))
            {
                return;
            }
        }

        await PostponeAsync(stored, cancellationToken);
    }

    /// <summary>
    /// Commits what applying the event changes together with what became of it, and of the others that Stripe's answer includes; false if
    /// the answer was stale.
    /// </summary>
    private async Task<bool> SettleAsync(
        StoredEvent stored, Func<BillingDb, Task<Verdict?>> apply, CancellationToken cancellationToken, IReadOnlyList<string>? heard = null)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await apply(db) is not { } verdict)
            return false;
        var now = Time.GetUtcNow();
        if (verdict.State == EventState.Waiting)
        {
            if (now - stored.ReceivedAt < Patience)
            {
                await NoteAsync(db, stored, verdict, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return true;
            }

            verdict = verdict with { State = EventState.Ignored, Reason = verdict.Reason == "order_unknown" ? "order_never_came" : "never_decided" };
        }

        var settled = await db.StripeEvents.Where(row => row.Id == stored.Id && row.State == EventState.Waiting).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.State, verdict.State)
                .SetProperty(row => row.Reason, verdict.Reason)
                .SetProperty(row => row.OrderId, verdict.OrderId)
                .SetProperty(row => row.DueAt, (DateTimeOffset?)null)
                .SetProperty(row => row.SettledAt, now),
            cancellationToken);
        if (settled == 0)
            return true;
        if (verdict.State == EventState.Applied && heard?.Any(id => id != stored.Id) is true)
            await SettleOthersAsync(db, stored, heard, now, cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        application.Report(stored.Id, stored.Type, verdict);
        return true;
    }

    private static Task<int> SettleOthersAsync(
        BillingDb db, StoredEvent stored, IReadOnlyList<string> heard, DateTimeOffset now, CancellationToken cancellationToken) =>
        db.StripeEvents.Where(row => heard.Contains(row.Id) && row.Id != stored.Id && row.State == EventState.Waiting).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.State, EventState.Applied)
                .SetProperty(row => row.Reason, "known_already")
                .SetProperty(row => row.DueAt, (DateTimeOffset?)null)
                .SetProperty(row => row.SettledAt, now),
            cancellationToken);

    /// <summary>For support: what it waits for.</summary>
    private static Task<int> NoteAsync(BillingDb db, StoredEvent stored, Verdict verdict, CancellationToken cancellationToken) =>
        db.StripeEvents.Where(row => row.Id == stored.Id && row.State == EventState.Waiting).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.Reason, verdict.Reason).SetProperty(row => row.OrderId, verdict.OrderId), cancellationToken);

    private async Task PostponeAsync(StoredEvent stored, CancellationToken cancellationToken)
    {
        var due = Time.GetUtcNow() + OutageWait;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.StripeEvents.Where(row => row.Id == stored.Id && row.State == EventState.Waiting)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.DueAt, due), cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Stored event {EventId} could not be applied; it stays due", EventName = "stripe_event_failed")]
        public static partial void Failed(ILogger logger, string eventId, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Stored events cannot be read; trying again", EventName = "stripe_events_unreadable")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
