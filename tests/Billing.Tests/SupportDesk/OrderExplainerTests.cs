using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;

namespace HomeStage.Billing.Tests.SupportDesk;

public sealed class OrderExplainerTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly Order _order =
        Order.Place(Guid.CreateVersion7(), new Plan { Id = "value", Name = "Value", Price = 2500, Currency = "usd", Credits = 20, DurationDays = 365 }, Noon);

    [Fact]
    public void Message_that_waits_for_the_broker_is_named()
    {
        _order.RecordPayment(Noon, 2500, "pi_1");
        var explanation = OrderExplainer.Explain(_order, [Event(EventState.Applied)], [new(nameof(PaymentCompleted), Noon)], Noon.AddMinutes(5));
        explanation.Steps.ShouldContain(step => step.What == "payment_sent" && step.Detail.Contains("waits for the broker"));
        explanation.Advice.ShouldNotBeNull().ShouldContain("./homestage support dead-letters");
    }

    [Fact]
    public void Event_that_waits_is_tried_by_the_reconciliation() =>
        OrderExplainer.Explain(_order, [Event(EventState.Waiting, "to_be_fetched")], [], Noon.AddMinutes(5)).Advice.ShouldNotBeNull().ShouldContain("./homestage support reconcile");

    [Fact]
    public void Order_that_stays_pending_is_looked_for_at_stripe()
    {
        OrderExplainer.Explain(_order, [], [], Noon.AddMinutes(5)).Advice.ShouldBeNull();
        OrderExplainer.Explain(_order, [], [], Noon.AddMinutes(11)).Advice.ShouldNotBeNull().ShouldContain("./homestage support reconcile");
    }

    [Fact]
    public void Dispute_and_warning_of_fraud_want_an_answer()
    {
        _order.RecordPayment(Noon, 2500, "pi_1");
        _order.RecordPaymentFacts("pi_1", new(0, 0, false, Noon));
        OrderExplainer.Explain(_order, [], [], Noon).Advice.ShouldNotBeNull().ShouldContain("warns of fraud");
        _order.RecordPaymentFacts("pi_1", new(0, 0, true, Noon));
        OrderExplainer.Explain(_order, [], [], Noon).Advice.ShouldNotBeNull().ShouldContain("disputes the payment");
        _order.RecordPaymentFacts("pi_1", new(2500, 0, false, Noon));
        OrderExplainer.Explain(_order, [], [], Noon).Advice.ShouldBeNull();
    }

    [Theory]
    [InlineData("amount_mismatch", "another amount or currency")]
    [InlineData("paid_twice", "paid twice")]
    [InlineData("currency_mismatch", "another currency")]
    [InlineData("object_unreadable", "cannot be read")]
    public void Every_flag_has_its_advice(string reason, string words)
    {
        var advice = OrderExplainer.Explain(_order, [Event(EventState.Flagged, reason)], [], Noon).Advice.ShouldNotBeNull();
        advice.ShouldContain(words);
        advice.ShouldContain($"./homestage support order {_order.Id}");
    }

    [Fact]
    public void Order_that_never_got_a_page_says_so_when_it_expires()
    {
        _order.ExpireIfAbandoned(Noon.AddDays(3).AddSeconds(-1)).ShouldBeFalse();
        _order.ExpireIfAbandoned(Noon.AddDays(4)).ShouldBeTrue();
        _order.ExpiredAt.ShouldBe(Noon.AddDays(3));
        OrderExplainer.Explain(_order, [], [], Noon.AddDays(5)).Steps.ShouldContain(step => step.What == "expired");
    }

    private StoredEvent Event(EventState state, string? reason = null) => new()
    {
        Id = "evt_1",
        Type = "checkout.session.completed",
        Livemode = false,
        CreatedAt = Noon,
        ReceivedAt = Noon,
        Payload = [],
        Source = EventSource.Webhook,
        SettledAt = state == EventState.Waiting ? null : Noon,
        OrderId = _order.Id,
        State = state,
        Reason = reason,
    };
}
