using System.Net;
using System.Text.Json.Nodes;
using HomeStage.Billing.Tests.Support;
using Microsoft.Extensions.Logging;

namespace HomeStage.Billing.Tests.Orders;

public sealed class ReceiptTests : IClassFixture<BillingFixture>
{
    private const string Receipt = "https://pay.stripe.com/receipts/payment/CAcQARoX?s=ap";

    private readonly BillingApp _app;

    public ReceiptTests(BillingFixture fixture)
    {
        _app = fixture.App;
        _app.Stripe.Reset();
    }

    [Fact]
    public async Task Owner_of_a_paid_order_is_told_where_stripe_shows_the_receipt_and_nobody_else_is()
    {
        var order = await _app.PlaceOrderAsync();
        (await _app.OrderAsync(order))["urls"]!["receipt"].ShouldBeNull();
        (await AskAsync(order, HttpStatusCode.NotFound))["code"]!.ToString().ShouldBe("no_receipt");

        order = await _app.PayOrderAsync();
        Charge(order, Receipt, "succeeded");
        (await _app.OrderAsync(order))["urls"]!["receipt"]!.ToString().ShouldBe($"/api/v1/orders/{order.Id}/receipt");
        (await AskAsync(order, HttpStatusCode.OK))["url"]!.ToString().ShouldBe(Receipt);
        (await AskAsync(order with { AccountId = Guid.CreateVersion7() }, HttpStatusCode.NotFound))["code"]!.ToString().ShouldBe("not_found");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("http://pay.stripe.com/receipts/1")]
    [InlineData("https://pay.stripe.com:8443/receipts/1")]
    [InlineData("https://pay.stripe.com@elsewhere.example/receipts/1")]
    [InlineData("https://user@pay.stripe.com/receipts/1")]
    [InlineData("https://stripe.com.elsewhere.example/receipts/1")]
    [InlineData("http://localhost/receipts/1")]
    [InlineData("javascript:alert(1)")]
    public async Task Nobody_is_sent_to_a_page_that_is_not_stripes(string? address)
    {
        var order = await _app.PayOrderAsync();
        Charge(order, address, "succeeded");
        (await AskAsync(order, HttpStatusCode.NotFound))["code"]!.ToString().ShouldBe("no_receipt");
        _app.Logs.Lines.Where(line => line.Level >= LogLevel.Warning).ShouldAllBe(line => !line.Message.Contains("/receipts/"));
    }

    [Fact]
    public async Task Receipt_of_a_declined_try_is_none_and_without_stripe_nothing_is_said()
    {
        var order = await _app.PayOrderAsync();
        Charge(order, Receipt, "failed");
        (await AskAsync(order, HttpStatusCode.NotFound))["code"]!.ToString().ShouldBe("no_receipt");
        _app.Stripe.FailNext(HttpStatusCode.InternalServerError, shouldRetry: "false");
        var problem = await AskAsync(order, HttpStatusCode.ServiceUnavailable);
        (problem["code"]!.ToString(), (bool)problem["retryable"]!).ShouldBe(("unavailable", true));
    }

    private async Task<JsonObject> AskAsync(PlacedOrder order, HttpStatusCode status)
    {
        using var answer = await _app.SendAsync(HttpMethod.Get, $"/api/v1/orders/{order.Id}/receipt", order.AccountId);
        answer.StatusCode.ShouldBe(status);
        return await BillingApp.BodyAsync(answer);
    }

    private void Charge(PlacedOrder order, string? receipt, string status)
    {
        var charge = Fixture.Read("charge");
        (charge["id"], charge["payment_intent"], charge["receipt_url"], charge["status"]) = (order.ChargeId, order.PaymentIntentId, receipt, status);
        _app.Stripe.Account.Replace(charge);
    }
}
