using System.Text;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Billing.Tests.Payments;

/// <summary>
/// The events of a payment's whole life in every order, each time on an order of its own against real PostgreSQL, through the door of
/// webhooks and the worker behind it. Only HTTP, the signature and the broker are left out; other tests have those.
/// </summary>
public sealed class PermutationTests(TestServers servers) : IAsyncLifetime
{
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

    private readonly StripeOnTheWay _stripe = new([.. Life.Select(moment => (moment.Refunds, moment.Disputes))]);
    private BillingApp _app = null!;

    public async ValueTask InitializeAsync()
    {
        _app = await BillingApp.StartAsync(servers, new Dictionary<string, string> { ["DATABASE_POOL"] = "30", ["Logging:LogLevel:Default"] = "Error" }, services => services.AddSingleton<IStripe>(_stripe));
        // Messages stay where they can be counted.
        await _app.ExecuteAsync("alter table outbox alter column available_at set default 'infinity'");
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>
    /// Every set of the events and every one of them as the last, while the others come in an order by chance: what PostgreSQL holds after
    /// some events depends on which they were and not on their order. Step by step that is every permutation of the seven;
    /// <see cref="PermutationRulesTests"/> runs through them one by one.
    /// </summary>
    [Fact]
    public async Task Whatever_came_before_and_whichever_event_comes_last_the_state_is_the_same()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var chance = new Random(seed);
        var deliveries = Enumerable.Range(1, (1 << Life.Length) - 1)
            .Select(set => Enumerable.Range(0, Life.Length).Where(moment => (set & (1 << moment)) != 0).ToArray())
            .SelectMany(set => set.Select(last => (int[])[.. Shuffled(set.Where(moment => moment != last), chance), last]));
        var ends = await EndsOfAsync(deliveries, OneAfterAnotherAsync);
        foreach (var group in ends.GroupBy(end => string.Concat(end.Events.Order()), StringComparer.Ordinal))
            group.Select(end => end.State).Distinct(StringComparer.Ordinal).ShouldHaveSingleItem($"after the events {group.Key}");
        ends.Where(end => end.Events.Length == Life.Length).ShouldAllBe(end => end.State == End(Noon.AddMinutes(1)));
    }

    [Fact]
    public async Task Events_of_a_card_payment_all_at_once_end_in_the_state_of_their_own_order()
    {
        int[] events = [0, 2, 3, 4, 5, 6];
        var ends = await EndsOfAsync(Enumerable.Repeat(events, 60).Select(order => Shuffled(order, Random.Shared)), AllAtOnceAsync);
        ends.ShouldAllBe(end => end.State == End(Noon));
    }

    private static string End(DateTimeOffset paidAt) =>
        $"paid {paidAt.UtcDateTime:HH:mm:ss}, 2500 by its payment, refunded 1000, lost 1000, open false; sent 1 payment, last adjustment 2000 false, none newer than the order";

    private async Task<IReadOnlyList<(int[] Events, string State)>> EndsOfAsync(IEnumerable<int[]> sequences, Func<Guid, int[], Task> deliverAsync)
    {
        var deliveries = sequences.Select(events => (Order: Guid.CreateVersion7(), Events: events)).ToList();
        await _app.ExecuteAsync(
            """
            insert into orders (id, account_id, plan, plan_name, credits, duration_days, amount, currency, created_at)
            select id, id, 'value', 'Value', 20, 365, 2500, 'usd', $2 from unnest($1) id
            """,
            deliveries.Select(delivery => delivery.Order).ToArray(),
            Noon);
        await Parallel.ForEachAsync(
            deliveries, new ParallelOptions { MaxDegreeOfParallelism = 6, CancellationToken = TestContext.Current.CancellationToken }, async (delivery, _) => await deliverAsync(delivery.Order, delivery.Events));
        await Eventually.Async(async () => await _app.CountAsync("select count(*) from stripe_events where state = 'waiting'") == 0, "everything is applied");
        var states = await StatesAsync();
        return [.. deliveries.Select(delivery => (delivery.Events, states[delivery.Order]))];
    }

    /// <summary>In this order; each event comes a second time, together with the one after it.</summary>
    private async Task OneAfterAnotherAsync(Guid order, int[] events)
    {
        for (var index = 0; index < events.Length; index++)
        {
            var repeated = index == 0 ? Task.CompletedTask : DeliverAsync(order, events[index - 1], paidAtOnce: false);
            await Task.WhenAll(DeliverAsync(order, events[index], paidAtOnce: false), repeated);
        }
    }

    /// <summary>Begun in this order and not waited for, and the first of them twice.</summary>
    private Task AllAtOnceAsync(Guid order, int[] events) =>
        Task.WhenAll(events.Append(events[0]).Select(moment => DeliverAsync(order, moment, paidAtOnce: true)));

    private async Task DeliverAsync(Guid order, int moment, bool paidAtOnce)
    {
        var payment = $"pi_{order:N}";
        _stripe.Reach(payment, moment);
        var (type, _, _) = Life[moment];
        var subject = type.StartsWith("checkout", StringComparison.Ordinal)
            ? $$"""
              "object":"checkout.session","id":"cs_{{order:N}}","metadata":{"order_id":"{{order}}"},"amount_total":2500,"currency":"usd",
              "payment_status":"{{(moment == 0 && !paidAtOnce ? "unpaid" : "paid")}}","payment_intent":"{{payment}}"
              """
            : $"\"payment_intent\":\"{payment}\"";
        var payload = Encoding.UTF8.GetBytes(
            $$"""{"id":"evt_{{moment}}_{{order:N}}","type":"{{type}}","livemode":false,"created":{{Noon.AddMinutes(moment).ToUnixTimeSeconds()}},"data":{"object":{ {{subject}} } } }""");
        await _app.Get<EventIntake>().ReceiveAsync(StripeEvent.Read(payload)!, payload, EventSource.Webhook, TestContext.Current.CancellationToken);
    }

    private async Task<Dictionary<Guid, string>> StatesAsync()
    {
        await using var command = _app.Admin.CreateCommand(
            """
            select o.id, format('paid %s, %s by %s payment, refunded %s, lost %s, open %s; sent %s payment, last adjustment %s %s, %s newer than the order',
              to_char(o.paid_at at time zone 'utc', 'HH24:MI:SS'), o.amount_paid,
              case o.payment_intent_id when 'pi_' || replace(o.id::text, '-', '') then 'its' else 'another' end,
              o.amount_refunded, o.amount_lost, case when o.dispute_open then 'true' else 'false' end,
              coalesce(m.payments, 0), m.adjusted -> 'amountReturned', m.adjusted -> 'disputeOpen',
              case when (m.adjusted -> 'revision')::bigint > o.revision then 'one' else 'none' end)
            from orders o
            left join (select body ->> 'orderId' as order_id, count(*) filter (where message_type = 'PaymentCompleted') as payments,
                (array_agg(body order by (body -> 'revision')::bigint desc nulls last) filter (where message_type = 'PaymentAdjusted'))[1] as adjusted
              from outbox group by 1) m on m.order_id = o.id::text
            """);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var states = new Dictionary<Guid, string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            states[reader.GetGuid(0)] = reader.GetString(1);
        return states;
    }

    private static int[] Shuffled(IEnumerable<int> items, Random chance)
    {
        int[] shuffled = [.. items];
        chance.Shuffle(shuffled);
        return shuffled;
    }
}
