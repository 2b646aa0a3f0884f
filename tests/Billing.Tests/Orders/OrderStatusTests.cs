using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;

namespace HomeStage.Billing.Tests.Orders;

public sealed class OrderStatusTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.UnixEpoch;

    // Every fact alone outweighs those below it, whatever else is known: section 6's order of precedence.
    [Theory]
    [InlineData(false, false, false, 0, false, 0, "Pending")]
    [InlineData(false, false, true, 0, false, 0, "Expired")]
    [InlineData(false, true, true, 0, false, 0, "Failed")]
    [InlineData(true, true, true, 0, false, 0, "Paid")]
    [InlineData(true, false, false, 1, false, 0, "PartiallyRefunded")]
    [InlineData(true, true, true, 2499, false, 0, "PartiallyRefunded")]
    [InlineData(true, true, true, 2500, false, 0, "Refunded")]
    [InlineData(true, true, true, 2500, true, 0, "Disputed")]
    [InlineData(true, true, true, 2500, true, 2500, "ChargedBack")]
    [InlineData(false, false, false, 2500, false, 0, "Refunded")]
    public void Status_follows_from_the_facts(bool paid, bool failed, bool expired, long refunded, bool disputed, long lost, string status)
    {
        var order = new Order
        {
            Id = Guid.Empty,
            AccountId = Guid.Empty,
            Plan = "value",
            PlanName = "Value",
            Credits = 20,
            DurationDays = 365,
            Amount = 2500,
            Currency = "usd",
            CreatedAt = At,
        };
        order.RecordPaymentFacts("pi_1", new(refunded, lost, disputed, null));
        if (expired)
            order.RecordExpiry(At);
        if (failed)
            order.RecordFailure(At);
        if (paid)
            order.RecordPayment(At, 2500, "pi_1");
        order.Status.ToString().ShouldBe(status);
    }

    [Fact]
    public void Fact_is_set_once_and_each_change_is_a_revision()
    {
        var order = Order.Place(Guid.CreateVersion7(), new Plan { Id = "a", Name = "A", Price = 900, Currency = "usd", Credits = 5, DurationDays = 30 }, At);
        order.RecordPayment(At, 900, "pi_1").ShouldBeTrue();
        order.RecordPayment(At.AddDays(1), 900, "pi_2").ShouldBeFalse();
        order.RecordExpiry(At);
        order.RecordExpiry(At.AddDays(1));
        (order.PaidAt, order.PaymentIntentId, order.ExpiredAt, order.Revision).ShouldBe((At, "pi_1", At, 2));
    }
}
