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

    /// <summary>
    /// Until then an event's webhook is likely on its way. The recurring run leaves such events to the next, which lists them again: what it takes
    /// in no webhook has brought in time, and it can be counted as missed.
    /// </summary>
    internal static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(10);

    private const long TurnKey = 7_234_018_551;

    private static readonly string[] Types = [.. CheckoutEvents.Types, .. PaymentEvents.Types];

    /// <summary>A service that starts again and again does not ask Stripe each time.</summary>
    protected override TimeSpan FirstAfter => settings.Interval;

    /// <summary>Runs once and takes in everything, unless another replica is at it.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked; what was taken in until then stays.</exception>
    internal Task<ReconciliationReport> RunAsync(CancellationToken cancellationToken) => RunAsync(TimeSpan.MinValue, cancellationToken);

    /// <summary>Runs once and takes in what is old enough, unless another replica is at it.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked; what was taken in until then stays.</exception>
    internal async Task<ReconciliationReport> RunAsync(TimeSpan youngest, CancellationToken cancellationToken)
    {
        await using var turn = await Turn.TryTakeAsync(dataSource, TurnKey, cancellationToken);
        return turn is null ? new ReconciliationReport { Ran = false } : await RunInTurnAsync(youngest, cancellationToken);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken) => await RunAsync(OnItsWay, cancellationToken) is { Ran: true };

    protected override void Failed(Exception error)
    {
        if (error is StripeException)
            Log.StripeAway(logger, error.Message);
        else
            Log.Failed(logger, error);
    }

    private async Task<ReconciliationReport> RunInTurnAsync(TimeSpan youngest, CancellationToken cancellationToken)
    {
        var to = Time.GetUtcNow();
        var from = await FromAsync(to, cancellationToken);
        var (listed, newest) = (0, from);
        var found = new Found();
        try
        {
            await foreach (var page in stripe.ListEventsAsync(from, Types, cancellationToken))
            {
                var events = page.Select(json => new Listed(StripeEvent.Read(json), ListedEvents.PayloadOf(json))).Where(item => item.Age(to) >= youngest).ToList();
                listed += events.Count;
                newest = events.Select(item => item.Event?.CreatedAt ?? from).Append(newest).Max();
                await ReceiveAsync(events, to, found, cancellationToken);
            }
        }
        finally
        {
            // Whatever ends the run: what it has taken in, the next one knows.
            if (found.Missed > 0)
            {
                metrics.EventsMissed(found.Missed);
                Log.Missed(logger, found.Missed, from);
            }
        }

        // Only now: a run that ends early is repeated from its beginning, and its events are known by their ids. By Stripe's clock, not ours:
        // were ours ahead, the next run would begin too late.
        if (listed > 0)
            await AdvanceAsync(newest, cancellationToken);
        var moved = await pending.SweepAsync(cancellationToken);
        return new ReconciliationReport { Ran = true, From = from, To = to, Listed = listed, New = found.New, OrdersChecked = moved };
    }

    /// <summary>Takes in those events of a page that are not stored.</summary>
    private async Task ReceiveAsync(IEnumerable<Listed> page, DateTimeOffset now, Found found, CancellationToken cancellationToken)
    {
        var events = page.Where(listed => listed.Event is not null).ToDictionary(listed => listed.Event!.Id, StringComparer.Ordinal);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var ids = events.Keys.ToArray();
        var known = await db.StripeEvents.Where(stored => ids.Contains(stored.Id)).Select(stored => stored.Id).ToListAsync(cancellationToken);
        foreach (var listed in ids.Except(known).Select(id => events[id]))
        {
            if (!await intake.ReceiveAsync(listed.Event!, listed.Payload, EventSource.List, cancellationToken))
                continue;
            found.New++;
            if (listed.Age(now) >= OnItsWay)
                found.Missed++;
        }
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

    /// <summary>An event of Stripe's list; null what is no event.</summary>
    private sealed record Listed(StripeEvent? Event, byte[] Payload)
    {
        public TimeSpan Age(DateTimeOffset now) => Event?.CreatedAt is { } at ? now - at : TimeSpan.MaxValue;
    }

    /// <summary>What a run has taken in so far, and how much of it was missed.</summary>
    private sealed class Found
    {
        public int New { get; set; }

        public int Missed { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{Missed} events since {From} had not arrived by webhook", EventName = "events_missed")]
        public static partial void Missed(ILogger logger, int missed, DateTimeOffset from);

        [LoggerMessage(2, LogLevel.Warning, "Stripe cannot be asked for events ({Reason}); trying again at the next turn", EventName = "reconciliation_stripe_away")]
        public static partial void StripeAway(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Error, "The reconciliation failed; trying again at the next turn", EventName = "reconciliation_failed")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
