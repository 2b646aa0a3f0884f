using System.Text.Json;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Tests.Support;
using HomeStage.Billing.Webhooks;

namespace HomeStage.Billing.Tests.Webhooks;

public sealed class CheckoutEventsTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;
    private static readonly Plan Value = new() { Id = "value", Name = "Value", Price = 2500, Currency = "usd", Credits = 20, DurationDays = 365 };

    private readonly Order _order = Order.Place(Guid.CreateVersion7(), Value, At);

    [Theory]
    [InlineData("completed", "paid", "Applied", null, "Paid")]
    [InlineData("completed", "no_payment_required", "Applied", null, "Paid")]
    [InlineData("completed", "unpaid", "Applied", "not_paid_yet", "Pending")]
    [InlineData("async_payment_succeeded", "paid", "Applied", null, "Paid")]
    [InlineData("async_payment_succeeded", "unpaid", "Applied", "not_paid_yet", "Pending")]
    [InlineData("async_payment_failed", "unpaid", "Applied", null, "Failed")]
    [InlineData("expired", "unpaid", "Applied", null, "Expired")]
    public void Event_says_what_it_proves(string type, string paymentStatus, string state, string? reason, string status)
    {
        var verdict = Apply(type, Session(paymentStatus));
        (verdict.State.ToString(), verdict.Reason, _order.Status.ToString()).ShouldBe((state, reason, status));
    }

    [Theory]
    [InlineData(2499, "usd")]
    [InlineData(2501, "usd")]
    [InlineData(2500, "eur")]
    [InlineData(0, "usd")]
    public void Another_amount_or_currency_is_flagged_and_not_applied(long amount, string currency)
    {
        var verdict = Apply("completed", Session("paid") with { AmountTotal = amount, Currency = currency });
        (verdict.State, verdict.Reason, _order.Status).ShouldBe((EventState.Flagged, "amount_mismatch", OrderStatus.Pending));
    }

    [Fact]
    public void Session_without_an_amount_is_flagged() =>
        Apply("completed", Session("paid") with { AmountTotal = null }).State.ShouldBe(EventState.Flagged);

    [Fact]
    public void Second_payment_of_the_same_order_is_flagged()
    {
        Apply("completed", Session("paid")).PaidPlan.ShouldBe("value");
        Apply("async_payment_succeeded", Session("paid")).Reason.ShouldBe("known_already");
        var verdict = Apply("completed", Session("paid") with { Id = "cs_other", PaymentIntentId = "pi_other" });
        (verdict.State, verdict.Reason, verdict.PaidPlan).ShouldBe((EventState.Flagged, "paid_twice", null));
    }

    [Fact]
    public void Late_payment_outweighs_failure_and_expiry()
    {
        Apply("expired", Session("unpaid"));
        Apply("async_payment_failed", Session("unpaid"));
        _order.Status.ShouldBe(OrderStatus.Failed);
        Apply("async_payment_succeeded", Session("paid")).PaidPlan.ShouldBe("value");
        _order.Status.ShouldBe(OrderStatus.Paid);
    }

    private CheckoutSession Session(string paymentStatus) =>
        CheckoutSession.Read(JsonSerializer.SerializeToElement(Fixture.Session(_order.Id, paymentStatus: paymentStatus)))!;

    private Verdict Apply(string type, CheckoutSession session) => CheckoutEvents.Apply(_order, "checkout.session." + type, session, At);
}
