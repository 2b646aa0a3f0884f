using System.Globalization;
using System.Text;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Billing.Tests.Payments;

/// <summary>
/// The events of a payment's whole life in every order, each time on an order of its own and many at once, against real PostgreSQL,
/// through the door of webhooks and the worker behind it. Only HTTP, the signature and the broker are left out; other tests have those.
/// <c>PERMUTATION_SEED</c> repeats a sample.
/// </summary>
public sealed class PermutationTests(PermutationTests.Desk desk) : IClassFixture<PermutationTests.Desk>
{
    /// <summary>How many permutations are in the sample for every day.</summary>
    private const int Sampled = 400;

    /// <summary>Orders whose events come at the same time: together they fill the batches of the door.</summary>
    private const int AtOnce = 64;

    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private static readonly MoneyBack Pending = new(700, "usd", "pending");
    private static readonly MoneyBack Arrived = new(700, "usd", "succeeded");
    private static readonly MoneyBack Second = new(300, "usd", "succeeded");

    /// <summary>What happens, in the order in which it does, and what Stripe answers from then on.</summary>
    private static readonly (string Type, MoneyBack[] Refunds, MoneyBack[] Disputes)[] Life =
    [
        ("checkout.session.completed", [], []),
        ("checkout.session.async_payment_succeeded", [], []),
        ("refund.created", [Pending], []),
        ("refund.updated", [Arrived], []),
        ("charge.refunded", [Arrived, Second], []),
        ("charge.dispute.created", [Arrived, Second], [new(1000, "usd", "needs_response")]),
        ("charge.dispute.closed", [Arrived, Second], [new(1000, "usd", "lost")]),
    ];

    /// <summary>How one order's events are delivered.</summary>
    public enum Delivery
    {
        /// <summary>In the permutation's order, each a second time together with the one after it.</summary>
        OneAfterAnother,

        /// <summary>Begun in the permutation's order and not waited for, each of them twice.</summary>
        AllAtOnce,
    }

    [Theory]
    [InlineData(Delivery.OneAfterAnother, false)]
    [InlineData(Delivery.AllAtOnce, false)]
    [InlineData(Delivery.AllAtOnce, true)]
    public async Task A_sample_of_permutations_ends_in_the_state_of_the_events_own_order(Delivery delivery, bool paidAtOnce)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("PERMUTATION_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"PERMUTATION_SEED={seed}");
        var sample = Permutations.Of([.. Enumerable.Range(0, Life.Length)]).ToArray();
        new Random(seed).Shuffle(sample);
        await EndAsInOrderAsync(sample[..Sampled], delivery, paidAtOnce);
    }

    /// <summary>Part of <c>./homestage chaos</c>: all 5,040 in each way, 282,240 deliveries.</summary>
    [Theory(Explicit = true)]
    [InlineData(Delivery.OneAfterAnother, false)]
    [InlineData(Delivery.OneAfterAnother, true)]
    [InlineData(Delivery.AllAtOnce, false)]
    [InlineData(Delivery.AllAtOnce, true)]
    public async Task Every_permutation_ends_in_the_state_of_the_events_own_order(Delivery delivery, bool paidAtOnce)
    {
        var all = Permutations.Of([.. Enumerable.Range(0, Life.Length)]).ToArray();
        all.Length.ShouldBe(5040);
        await EndAsInOrderAsync(all, delivery, paidAtOnce);
    }

    private async Task EndAsInOrderAsync(int[][] permutations, Delivery delivery, bool paidAtOnce)
    {
        var inOrder = (await EndsOfAsync([[.. Enumerable.Range(0, Life.Length)]], order => DeliverAsync(order, paidAtOnce))).Single();
        inOrder.ShouldBe(
            $"paid {(paidAtOnce ? "12:00" : "12:01")}, 2500 by its payment, refunded 1000, lost 1000, open false, not failed, not expired; "
            + "7 events, 7 applied; sent 1 payment of 2500 for 20 credits, last adjustment 2000 of 2500, open false, none newer than the order");
        var ends = await EndsOfAsync(permutations, order => delivery switch
        {
            Delivery.OneAfterAnother => OneAfterAnotherAsync(order, paidAtOnce),
            _ => AllAtOnceAsync(order, paidAtOnce),
        });
        ends.Count.ShouldBe(permutations.Length);
        permutations.Zip(ends).Where(end => end.Second != inOrder).Select(end => $"{string.Concat(end.First)}: {end.Second}").ShouldBeEmpty();
    }

    private async Task<IReadOnlyList<string>> EndsOfAsync(int[][] permutations, Func<Trial, Task> deliverAsync)
    {
        var trials = permutations.Select(events => new Trial(Guid.CreateVersion7(), events)).ToList();
        var orders = trials.Select(trial => trial.Order).ToArray();
        await desk.App.ExecuteAsync(
            """
            insert into orders (id, account_id, plan, plan_name, credits, duration_days, amount, currency, created_at)
            select id, id, 'value', 'Value', 20, 365, 2500, 'usd', $2 from unnest($1) id
            """,
            orders,
            Noon);
        await Parallel.ForEachAsync(
            trials, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = TestContext.Current.CancellationToken }, async (trial, _) => await deliverAsync(trial));
        await AppliedAsync();
        var states = await StatesAsync(orders);
        return [.. orders.Select(order => states[order])];
    }

    /// <summary>Each event once, and each is applied before the next one comes.</summary>
    private async Task DeliverAsync(Trial trial, bool paidAtOnce)
    {
        foreach (var moment in trial.Events)
        {
            await DeliverAsync(trial.Order, moment, paidAtOnce);
            await AppliedAsync();
        }
    }

    /// <summary>The events of 5,040 orders are a backlog of minutes.</summary>
    private Task AppliedAsync() => Eventually.Async(
        async () => await desk.App.CountAsync("select count(*) from stripe_events where state = 'waiting'") == 0, "everything is applied", TimeSpan.FromMinutes(5));

    private async Task OneAfterAnotherAsync(Trial trial, bool paidAtOnce)
    {
        for (var index = 0; index < trial.Events.Length; index++)
        {
            var repeated = index == 0 ? Task.CompletedTask : DeliverAsync(trial.Order, trial.Events[index - 1], paidAtOnce);
            await Task.WhenAll(DeliverAsync(trial.Order, trial.Events[index], paidAtOnce), repeated);
        }

        await DeliverAsync(trial.Order, trial.Events[^1], paidAtOnce);
    }

    private Task AllAtOnceAsync(Trial trial, bool paidAtOnce) =>
        Task.WhenAll(trial.Events.Concat(trial.Events).Select(moment => DeliverAsync(trial.Order, moment, paidAtOnce)));

    private async Task DeliverAsync(Guid order, int moment, bool paidAtOnce)
    {
        var payment = $"pi_{order:N}";
        desk.Stripe.Reach(payment, moment);
        var (type, _, _) = Life[moment];
        // Where both say that it was paid they speak of one payment, which was made at one time.
        var minute = moment == 1 && paidAtOnce ? 0 : moment;
        var subject = type.StartsWith("checkout", StringComparison.Ordinal)
            ? $$"""
              "object":"checkout.session","id":"cs_{{order:N}}","metadata":{"order_id":"{{order}}"},"amount_total":2500,"currency":"usd",
              "payment_status":"{{(moment == 0 && !paidAtOnce ? "unpaid" : "paid")}}","payment_intent":"{{payment}}"
              """
            : $"\"payment_intent\":\"{payment}\"";
        var payload = Encoding.UTF8.GetBytes(
            $$"""{"id":"evt_{{moment}}_{{order:N}}","type":"{{type}}","livemode":false,"created":{{Noon.AddMinutes(minute).ToUnixTimeSeconds()}},"data":{"object":{ {{subject}} } } }""");
        await desk.App.Get<EventIntake>().ReceiveAsync(StripeEvent.Read(payload)!, payload, EventSource.Webhook, TestContext.Current.CancellationToken);
    }

    /// <summary>All that became of each order: its facts, its events, and what entitlements is told.</summary>
    private async Task<Dictionary<Guid, string>> StatesAsync(Guid[] orders)
    {
        await using var command = desk.App.Admin.CreateCommand(
            """
            select o.id, format(
              'paid %s, %s by %s payment, refunded %s, lost %s, open %s, %s, %s; %s events, %s applied; '
                'sent %s payment of %s for %s credits, last adjustment %s of %s, open %s, %s newer than the order',
              to_char(o.paid_at at time zone 'utc', 'HH24:MI'), o.amount_paid,
              case o.payment_intent_id when 'pi_' || replace(o.id::text, '-', '') then 'its' else 'another' end,
              o.amount_refunded, o.amount_lost, case when o.dispute_open then 'true' else 'false' end,
              case when o.failed_at is null then 'not failed' else 'failed' end, case when o.expired_at is null then 'not expired' else 'expired' end,
              e.events, e.applied,
              coalesce(m.payments, 0), m.amount, m.credits, m.adjusted -> 'amountReturned', m.adjusted -> 'amountPaid', m.adjusted -> 'disputeOpen',
              case when (m.adjusted -> 'revision')::bigint > o.revision then 'one' else 'none' end)
            from orders o
            left join (select order_id, count(*) as events, count(*) filter (where state = 'applied') as applied from stripe_events group by 1) e on e.order_id = o.id
            left join (select (body ->> 'orderId')::uuid as order_id, count(*) filter (where message_type = 'PaymentCompleted') as payments,
                max((body -> 'amount')::int) as amount, max((body -> 'credits')::int) as credits,
                (array_agg(body order by (body -> 'revision')::bigint desc nulls last) filter (where message_type = 'PaymentAdjusted'))[1] as adjusted
              from outbox group by 1) m on m.order_id = o.id
            where o.id = any($1)
            """);
        command.Parameters.Add(new() { Value = orders });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var states = new Dictionary<Guid, string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            states[reader.GetGuid(0)] = reader.GetString(1);
        return states;
    }

    /// <summary>An order and the order in which its events come.</summary>
    private sealed record Trial(Guid Order, int[] Events);

    /// <summary>One billing for all of it, whose messages stay where they can be counted.</summary>
    public sealed class Desk(TestServers servers) : IAsyncLifetime
    {
        private BillingApp? _app;

        internal StripeOnTheWay Stripe { get; } = new([.. Life.Select(moment => (moment.Refunds, moment.Disputes))]);

        internal BillingApp App => _app!;

        public async ValueTask InitializeAsync()
        {
            var settings = new Dictionary<string, string> { ["DATABASE_POOL"] = "30", ["Logging:LogLevel:Default"] = "Error" };
            _app = await BillingApp.StartAsync(servers, settings, services => services.AddSingleton<IStripe>(Stripe));
            await _app.ExecuteAsync("alter table outbox alter column available_at set default 'infinity'");
        }

        public async ValueTask DisposeAsync()
        {
            if (_app is not null)
                await _app.DisposeAsync();
        }
    }
}
