using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;

namespace HomeStage.Billing.Tests.Payments;

public sealed class PaymentFactsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("pending", 700)]
    [InlineData("requires_action", 700)]
    [InlineData("succeeded", 700)]
    [InlineData("failed", 0)]
    [InlineData("canceled", 0)]
    [InlineData(null, 700)]
    public void Refund_counts_from_its_beginning_until_it_fails(string? status, long counted) =>
        Of(refunds: [new(700, "usd", status)]).ShouldBe(new PaymentFacts(counted, 0, false, null));

    [Theory]
    [InlineData("needs_response", 0, true)]
    [InlineData("under_review", 0, true)]
    [InlineData("lost", 2500, false)]
    [InlineData("won", 0, false)]
    [InlineData("prevented", 0, false)]
    [InlineData("warning_needs_response", 0, false)]
    [InlineData("warning_under_review", 0, false)]
    [InlineData("warning_closed", 0, false)]
    [InlineData("a_status_of_tomorrow", 0, false)]
    public void Dispute_is_open_while_undecided_and_takes_what_it_wins(string status, long lost, bool open) =>
        Of(disputes: [new(2500, "usd", status)]).ShouldBe(new PaymentFacts(0, lost, open, null));

    [Fact]
    public void Refunds_and_disputes_add_up() =>
        Of([new(300, "usd", "succeeded"), new(200, "usd", "pending"), new(900, "usd", "failed")], [new(1000, "usd", "lost"), new(1000, "usd", "needs_response")])
            .ShouldBe(new PaymentFacts(500, 1000, true, null));

    [Fact]
    public void Money_that_went_back_in_another_currency_cannot_be_added_up()
    {
        Of(refunds: [new(700, "eur", "succeeded")]).ShouldBeNull();
        Of(disputes: [new(700, "eur", "lost")]).ShouldBeNull();
        Of(refunds: [new(700, "USD", "succeeded")]).ShouldNotBeNull();
        Of(refunds: [new(700, "eur", "failed")], disputes: [new(700, "eur", "won")]).ShouldNotBeNull();
    }

    private static PaymentFacts? Of(MoneyBack[]? refunds = null, MoneyBack[]? disputes = null) =>
        PaymentFacts.Of(new Payment("pi_1", refunds ?? [], disputes ?? [], null), "usd");

    [Fact]
    public void Warning_of_fraud_is_kept_with_its_time() =>
        PaymentFacts.Of(new Payment("pi_1", [], [], Noon), "usd")!.FraudWarnedAt.ShouldBe(Noon);
}
