using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using HomeStage.Hosting.Turns;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HomeStage.Billing.Reconciliation;

/// <summary>How often the reconciliation runs: <c>RECONCILE_SECONDS</c>.</summary>
internal sealed record ReconcilerSettings(TimeSpan Interval);

/// <summary>
/// Lists Stripe's events since the last time and takes in those that no webhook brought: an outage of ours, of the endpoint or of the
/// network loses nothing as long as it is shorter than Stripe keeps events. One replica at a time; whatever interrupts it, the next run
/// begins where the last complete one ended.
/// </summary>
internal sealed partial class Reconciler(
    IDbContextFactory<BillingDb> databases,
    NpgsqlDataSource dataSource,
    IStripe stripe,
    EventIntake intake,
    PendingOrders pending,
    ReconcilerSettings settings,
    BillingMetrics metrics,
    Sweeps sweeps,
    TimeProvider time,
    ILogger<Reconciler> logger) : RecurringWork("reconciliation", settings.Interval, sweeps, time)
{
    /// <summary>How long Stripe keeps events.</summary>
    internal static readonly TimeSpan Furthest = TimeSpan.FromDays(30);

    /// <summary>How much of the known past is listed again: an event may become visible late, and two clocks never agree.</summary>
    internal static readonly TimeSpan Overlap = TimeSpan.FromMinutes(5);

    private const long TurnKey = 7_234_018_551;

    private static readonly string[] Types = [.. CheckoutEvents.Types, .. PaymentEvents.Types];

    /// <summary>A service that starts again and again does not ask Stripe each time.</summary>
    protected override TimeSpan FirstAfter => settings.Interval;

    /// <summary>Runs once, unless another replica is at it.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked; what was taken in until then stays.</exception>
    internal async Task<ReconciliationReport> RunAsync(CancellationToken cancellationToken)
    {
        await using var turn = await Turn.TryTakeAsync(dataSource, TurnKey, cancellationToken);
        return turn is null ? new ReconciliationReport { Ran = false } : await RunInTurnAsync(cancellationToken);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken) => await RunAsync(cancellationToken) is { Ran: true };

    protected override void Failed(Exception error)
    {
        if (error is StripeException)
            Log.StripeAway(logger, error.Message);
        else
            Log.Failed(logger, error);
    }

    private async Task<ReconciliationReport> RunInTurnAsync(CancellationToken cancellationToken)
    {
        var to = Time.GetUtcNow();
        var from = await FromAsync(to, cancellationToken);
        var (listed, found, newest) = (0, 0, from);
        await foreach (var page in stripe.ListEventsAsync(from, Types, cancellationToken))
        {
            var events = page.Select(json => (Event: StripeEvent.Read(json), Payload: ListedEvents.PayloadOf(json))).ToList();
            listed += events.Count;
            newest = events.Select(item => item.Event?.CreatedAt ?? from).Append(newest).Max();
            found += await ReceiveAsync(events, cancellationToken);
        }

        // Only now: a run that ends early is repeated from its beginning, and its events are known by their ids. By Stripe's clock, not ours:
        // were ours ahead, the next run would begin too late.
        if (listed > 0)
            await AdvanceAsync(newest, cancellationToken);
        var moved = await pending.SweepAsync(cancellationToken);
        if (found > 0)
        {
            metrics.EventsMissed(found);
            Log.Found(logger, found, listed, from, moved);
        }

        return new ReconciliationReport { Ran = true, From = from, To = to, Listed = listed, New = found, OrdersChecked = moved };
    }

    /// <summary>Takes in those events of a page that are not stored; how many that were.</summary>
    private async Task<int> ReceiveAsync(IEnumerable<(StripeEvent? Event, byte[] Payload)> page, CancellationToken cancellationToken)
    {
        var events = page.Where(listed => listed.Event is not null).ToDictionary(listed => listed.Event!.Id, StringComparer.Ordinal);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var ids = events.Keys.ToArray();
        var known = await db.StripeEvents.Where(stored => ids.Contains(stored.Id)).Select(stored => stored.Id).ToListAsync(cancellationToken);
        var found = 0;
        foreach (var (happened, payload) in ids.Except(known).Select(id => events[id]))
        {
            if (await intake.ReceiveAsync(happened!, payload, EventSource.List, cancellationToken))
                found++;
        }

        return found;
    }

    /// <summary>Where to begin: a little before what is known; the first time with the first order, before which nothing can concern us.</summary>
    private async Task<DateTimeOffset> FromAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var known = await db.Database.SqlQuery<DateTimeOffset?>(
            $"""select coalesce((select known_to from reconciliation), (select min(created_at) from orders)) as "Value" """).SingleAsync(cancellationToken);
        var from = (known ?? now) - Overlap;
        return from < now - Furthest ? now - Furthest : from;
    }

    private async Task AdvanceAsync(DateTimeOffset to, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into reconciliation (known_to) values ({to})
            on conflict (singleton) do update set known_to = greatest(reconciliation.known_to, excluded.known_to)
            """,
            cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Found} of {Listed} events since {From} had not arrived by webhook; {Moved} pending orders moved on", EventName = "events_missed")]
        public static partial void Found(ILogger logger, int found, int listed, DateTimeOffset from, int moved);

        [LoggerMessage(2, LogLevel.Warning, "Stripe cannot be asked for events ({Reason}); trying again at the next turn", EventName = "reconciliation_stripe_away")]
        public static partial void StripeAway(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Error, "The reconciliation failed; trying again at the next turn", EventName = "reconciliation_failed")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
