using System.Net;
using System.Text.Json.Nodes;
using HomeStage.Billing.Tests.Support;
using HomeStage.Testing;

namespace HomeStage.Billing.Tests.SupportDesk;

public sealed class SupportTests(BillingFixture fixture) : IClassFixture<BillingFixture>
{
    private BillingApp App => fixture.App;

    private FakeStripeAccount Stripe => fixture.App.Stripe.Account;

    [Fact]
    public async Task Order_is_found_by_whatever_support_has_in_hand()
    {
        var order = await App.PlaceOrderAsync();
        Stripe.Pay(order);
        var session = Fixture.Session(order.Id, order.SessionId);
        session["customer_details"]!["email"] = "somebody@example.com";
        Stripe.Replace(session);
        var happened = Fixture.Event("checkout.session.completed", session);
        await App.DeliverOkAsync(happened);
        var (refund, dispute) = (Stripe.Refund(order, 1), Stripe.Dispute(order, "won"));
        string[] questions =
        [
            $"orderId={order.Id}", $"accountId={order.AccountId}", $"stripeId={order.SessionId}", $"stripeId={order.PaymentIntentId}", $"stripeId={happened["id"]}",
            $"stripeId={order.ChargeId}", $"stripeId={refund["id"]}", $"stripeId={dispute["id"]}", "email=somebody@example.com",
        ];
        foreach (var question in questions)
        {
            var found = (await App.SupportAsync(HttpMethod.Get, $"orders?{question}"))!.AsArray();
            ((Guid)found.ShouldHaveSingleItem()!["orderId"]!).ShouldBe(order.Id, question);
        }

        (await App.SupportAsync(HttpMethod.Get, $"orders?stripeId=re_nothing"))!.AsArray().ShouldBeEmpty();
        (await App.SupportAsync(HttpMethod.Get, "orders?email=nobody@example.com"))!.AsArray().ShouldBeEmpty();
        App.Logs.Lines.ShouldNotContain(line => line.Message.Contains("@example.com"));
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("orders?orderId=019ac000-0000-7000-8000-000000000001&email=a")]
    [InlineData("orders?orderId=nonsense")]
    public async Task Question_that_is_none_gets_its_code(string path) =>
        ((string)(await App.SupportAsync(HttpMethod.Get, path, HttpStatusCode.BadRequest))!["code"]!).ShouldBe("validation_failed");

    [Fact]
    public async Task Only_entitlements_may_ask()
    {
        var order = await App.PlaceOrderAsync();
        using var gateway = await App.SendAsync(HttpMethod.Get, $"/internal/support/orders?orderId={order.Id}", order.AccountId, "member");
        gateway.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        using var entitlements = await App.SendAsync(HttpMethod.Get, $"/api/v1/orders/{order.Id}", kind: "service", issuer: "entitlements");
        entitlements.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        await App.SupportAsync(HttpMethod.Get, $"orders/{Guid.CreateVersion7()}/explanation", HttpStatusCode.NotFound);
        await App.SupportAsync(HttpMethod.Post, $"orders/{Guid.CreateVersion7()}/check", HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Explanation_tells_every_step_to_the_message()
    {
        var order = await App.PayOrderAsync();
        var refund = Stripe.Refund(order, 700);
        await App.SettleAsync(Fixture.Event("refund.created", refund));
        Stripe.Set(refund, "status", "failed");
        await App.SettleAsync(Fixture.Event("refund.failed", refund));
        await App.AdjustmentsAsync(order.Id);
        var explanation = await ExplainAsync(order);
        explanation["steps"]!.AsArray().Select(step => (string)step!["what"]!).ShouldBe(
            ["placed", "offered", "checkout.session.completed", "payment_sent", "refund.created", "adjustment_sent", "refund.failed", "adjustment_sent"], ignoreOrder: true);
        Details(explanation).ShouldContain(detail => detail.Contains("20 credits for 365 days"));
        Details(explanation).ShouldContain(detail => detail.Contains("PaymentCompleted was written with it and the broker has confirmed it"));
        ((string)explanation["order"]!["status"]!, (long)explanation["order"]!["amountReturned"]!).ShouldBe(("paid", 0));
        explanation["advice"].ShouldBeNull();
    }

    [Fact]
    public async Task Explanation_of_another_amount_says_what_to_do()
    {
        var order = await App.PlaceOrderAsync();
        await App.DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId, amount: 1)));
        var explanation = await ExplainAsync(order);
        Details(explanation).ShouldContain(detail => detail.Contains("Amount or currency is not what was offered: nothing was applied"));
        ((string)explanation["advice"]!).ShouldContain($"./homestage support order {order.Id}");
        ((string)explanation["advice"]!).ShouldContain("Refund the payment at Stripe");
    }

    [Fact]
    public async Task Payment_that_no_webhook_told_of_is_found_by_the_check()
    {
        var order = await App.PlaceOrderAsync();
        var session = Fixture.Session(order.Id, order.SessionId);
        session["status"] = "complete";
        session["created"] = App.Time.GetUtcNow().ToUnixTimeSeconds();
        Stripe.Replace(session);
        Stripe.Keep(Fixture.Event("checkout.session.completed", session, App.Time.GetUtcNow()));
        Stripe.Pay(order);
        Stripe.Refund(order, 900);
        var explanation = (await App.SupportAsync(HttpMethod.Post, $"orders/{order.Id}/check"))!;
        ((string)explanation["order"]!["status"]!).ShouldBe("partially_refunded");
        Details(explanation).ShouldContain(detail => detail.Contains("No webhook brought it"));
        (await App.PaymentsAsync(order.Id)).ShouldHaveSingleItem();
        (await App.AdjustmentsAsync(order.Id)).ShouldHaveSingleItem().AmountReturned.ShouldBe(900);
    }

    [Fact]
    public async Task Reconciliation_on_demand_also_tries_what_waits()
    {
        var later = App.LateOrder();
        var happened = Fixture.Event("checkout.session.completed", Fixture.Session(later.Id));
        await App.DeliverOkAsync(happened);
        await App.ExecuteAsync("update stripe_events set due_at = now() + interval '1 hour' where id = $1", (string)happened["id"]!);
        await App.PlaceLateAsync(later);
        ((bool)(await App.SupportAsync(HttpMethod.Post, "reconcile"))!["ran"]!).ShouldBeTrue();
        // The search for due events may have it in its hands.
        await Eventually.Async(async () => (await App.EventAsync((string)happened["id"]!)).State == "applied", "the event is applied");
    }

    [Fact]
    public async Task While_stripe_is_away_support_is_told_so()
    {
        var order = await App.PlaceOrderAsync();
        for (var tried = 0; tried < 3; tried++)
            App.Stripe.CutNext();
        ((string)(await App.SupportAsync(HttpMethod.Post, $"orders/{order.Id}/check", HttpStatusCode.ServiceUnavailable))!["code"]!).ShouldBe("stripe_unavailable");
        App.Stripe.Failures.Clear();
    }

    private async Task<JsonNode> ExplainAsync(PlacedOrder order) => (await App.SupportAsync(HttpMethod.Get, $"orders/{order.Id}/explanation"))!;

    private static IEnumerable<string> Details(JsonNode explanation) => explanation["steps"]!.AsArray().Select(step => (string)step!["detail"]!);
}
