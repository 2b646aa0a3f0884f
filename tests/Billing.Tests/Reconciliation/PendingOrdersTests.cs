using HomeStage.Billing.Reconciliation;
using HomeStage.Billing.Tests.Support;

namespace HomeStage.Billing.Tests.Reconciliation;

public sealed class PendingOrdersTests : IClassFixture<BillingFixture>
{
    private readonly BillingApp _app;

    public PendingOrdersTests(BillingFixture fixture)
    {
        _app = fixture.App;
        _app.Stripe.Reset();
    }

    [Fact]
    public async Task Order_that_was_paid_without_a_webhook_is_paid_when_somebody_looks()
    {
        var (read, delivered) = (await _app.PlaceOrderAsync(), await _app.PlaceOrderAsync());
        var at = _app.Time.GetUtcNow().AddSeconds(3);
        PayAtStripe(read, at);
        (await _app.StatusAsync(read)).ShouldBe("pending");
        _app.Time.Advance(PendingOrders.AskedAfter);
        (await _app.StatusAsync(read)).ShouldBe("paid");
        await _app.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(delivered.Id, delivered.SessionId), at));
        (await _app.RowAsync(read)).ShouldBe(await _app.RowAsync(delivered));
        (await _app.PaymentsAsync(read.Id)).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Many_readers_make_stripe_be_asked_once_in_five_seconds()
    {
        var order = await _app.PlaceOrderAsync();
        _app.Time.Advance(PendingOrders.AskedAfter);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _app.StatusAsync(order)));
        Asked(order).ShouldBe(1);
        _app.Time.Advance(PendingOrders.AskedAgainAfter);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _app.StatusAsync(order)));
        Asked(order).ShouldBe(2);
    }

    [Fact]
    public async Task While_stripe_is_away_the_reader_gets_what_is_known()
    {
        var order = await _app.PlaceOrderAsync();
        PayAtStripe(order, _app.Time.GetUtcNow());
        _app.Time.Advance(PendingOrders.AskedAfter);
        _app.Stripe.OnTheWay = _ => throw new HttpRequestException("Stripe is away.");
        (await _app.StatusAsync(order)).ShouldBe("pending");
        _app.Time.Advance(PendingOrders.AskedAgainAfter);
        // Frozen rather than gone.
        _app.Stripe.OnTheWay = _ => Task.Delay(Timeout.Infinite);
        (await _app.StatusAsync(order)).ShouldBe("pending");
        _app.Logs.Lines.ShouldContain(line => line.Event == "order_not_checked");
    }

    [Fact]
    public async Task Reconciliation_asks_about_orders_that_nobody_reads()
    {
        var order = await _app.PlaceOrderAsync();
        PayAtStripe(order, _app.Time.GetUtcNow());
        _app.Time.Advance(TimeSpan.FromMinutes(11));
        (await _app.Get<PendingOrders>().SweepAsync(TestContext.Current.CancellationToken)).ShouldBePositive();
        (await _app.StatusAsync(order)).ShouldBe("paid");
    }

    private int Asked(PlacedOrder order) => _app.Stripe.Calls.Count(call => call.Route == $"GET /v1/checkout/sessions/{order.SessionId}");

    private void PayAtStripe(PlacedOrder order, DateTimeOffset at)
    {
        var session = Fixture.Session(order.Id, order.SessionId);
        session["status"] = "complete";
        session["created"] = at.ToUnixTimeSeconds();
        _app.Stripe.Account.Replace(session);
        _app.Stripe.Account.Keep(Fixture.Event("checkout.session.completed", session, at));
    }
}
