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
        using var receipt = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{paid.Id}/receipt", paid.AccountId);
        using var browser = new HttpClient();
        (await browser.GetStringAsync((string)(await BillingApp.BodyAsync(receipt))["url"]!, TestContext.Current.CancellationToken)).ShouldContain("25.00 USD");

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

    [Fact]
    public async Task Whole_way_of_the_money_back()
    {
        var order = await App.PlaceOrderAsync();
        await _stripe.ActAsync(order, "pay");
        await UntilAsync(order, "paid");

        var refund = await _stripe.OrderAsync("refunds", new { of = order.SessionId, amount = 700, status = "pending" });
        await UntilAsync(order, "partially_refunded");
        await _stripe.OrderAsync($"refunds/{refund}/failed");
        await UntilAsync(order, "paid");

        var inquiry = await _stripe.OrderAsync("disputes", new { of = order.SessionId, status = "warning_needs_response" });
        await _stripe.OrderAsync($"disputes/{inquiry}/prevented");
        await _stripe.OrderAsync("early-fraud-warnings", new { of = order.SessionId });
        await Eventually.Async(async () => await App.CountAsync("select count(*) from orders where fraud_warning_at is not null") == 1, "the warning is flagged");
        (await App.StatusAsync(order)).ShouldBe("paid");

        var won = await _stripe.OrderAsync("disputes", new { of = order.SessionId });
        await UntilAsync(order, "disputed");
        await _stripe.OrderAsync($"disputes/{won}/won");
        await UntilAsync(order, "paid");
        var lost = await _stripe.OrderAsync("disputes", new { of = order.SessionId });
        await UntilAsync(order, "disputed");
        await _stripe.OrderAsync($"disputes/{lost}/lost");
        await UntilAsync(order, "charged_back");
        (await App.AdjustmentsAsync(order.Id)).Select(sent => (sent.AmountReturned, sent.DisputeOpen))
            .ShouldBe([(700, false), (0, false), (0, true), (0, false), (0, true), (2500, false)]);
        (await App.SupportAsync(HttpMethod.Get, $"orders?stripeId={lost}"))!.AsArray().ShouldHaveSingleItem();
        (await App.SupportAsync(HttpMethod.Get, "orders?email=jenny.rosen@example.com"))!.AsArray().ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Reconciliation_finds_what_no_webhook_brought()
    {
        _stripe.Deaf = true;
        var (paid, refunded) = (await App.PlaceOrderAsync(), await App.PlaceOrderAsync());
        await _stripe.ActAsync(paid, "pay");
        await _stripe.ActAsync(refunded, "pay");
        await _stripe.OrderAsync("refunds", new { of = refunded.SessionId });
        App.Time.Advance(TimeSpan.FromDays(2));
        var report = (await App.SupportAsync(HttpMethod.Post, "reconcile"))!;
        ((int)report["new"]!, (bool)report["ran"]!).ShouldBe((4, true));
        await UntilAsync(paid, "paid");
        await UntilAsync(refunded, "refunded");
    }

    private Task UntilAsync(PlacedOrder order, string status) => Eventually.Async(async () => await App.StatusAsync(order) == status, $"the order is {status}");

    private Task<long> CompletedAsync(PlacedOrder order) =>
        App.CountAsync("select count(*) from stripe_events where order_id = $1 and type = 'checkout.session.completed'", order.Id);
}
