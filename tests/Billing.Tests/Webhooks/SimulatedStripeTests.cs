using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;

namespace HomeStage.Billing.Tests.Webhooks;

public sealed class SimulatedStripeTests(TestServers servers) : IAsyncLifetime
{
    private SimulatedStripe _stripe = null!;

    private BillingApp App => _stripe.App;

    public async ValueTask InitializeAsync() => _stripe = await SimulatedStripe.StartAsync(servers);

    public ValueTask DisposeAsync() => _stripe.DisposeAsync();

    [Fact]
    public async Task Whole_way_from_checkout_to_payment_and_every_other_end()
    {
        var paid = await App.PlaceOrderAsync();
        await _stripe.ActAsync(paid, "pay");
        await UntilAsync(paid, "paid");
        var payment = (await App.PaymentsAsync(paid.Id)).ShouldHaveSingleItem();
        (payment.AccountId, payment.Credits, payment.Amount).ShouldBe((paid.AccountId, 20, 2500));

        var late = await App.PlaceOrderAsync("pro");
        await _stripe.ActAsync(late, "pay-later");
        await Eventually.Async(async () => await CompletedAsync(late) == 1, "the unpaid completion is received");
        (await App.StatusAsync(late)).ShouldBe("pending");
        await _stripe.ActAsync(late, "succeed");
        await UntilAsync(late, "paid");

        var failed = await App.PlaceOrderAsync();
        await _stripe.ActAsync(failed, "pay-later");
        await _stripe.ActAsync(failed, "fail");
        await UntilAsync(failed, "failed");

        var expired = await App.PlaceOrderAsync();
        await _stripe.ActAsync(expired, "expire");
        await UntilAsync(expired, "expired");
        (await App.CountAsync("select count(*) from stripe_events where state in ('flagged', 'waiting')")).ShouldBe(0);
    }

    private Task UntilAsync(PlacedOrder order, string status) => Eventually.Async(async () => await App.StatusAsync(order) == status, $"the order is {status}");

    private Task<long> CompletedAsync(PlacedOrder order) =>
        App.CountAsync("select count(*) from stripe_events where order_id = $1 and type = 'checkout.session.completed'", order.Id);
}
