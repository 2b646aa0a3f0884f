using System.Net;
using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.Stripe;

public sealed class CheckoutPageTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Page_shows_what_is_sold_and_its_four_buttons()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        var page = await peer.Http.GetStringAsync($"/c/pay/{id}", Cancel);

        page.ShouldContain("Value pack");
        page.ShouldContain("25.00 USD");
        foreach (var button in new[] { "pay", "pay-later", "decline", "cancel" })
            page.ShouldContain($"action=\"/c/pay/{id}/{button}\"");
    }

    [Fact]
    public async Task Paying_happens_once_however_often_the_button_is_pressed()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        var clicks = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => peer.Click(id, "pay")));

        clicks.ShouldAllBe(click => click.StatusCode == HttpStatusCode.SeeOther && click.Headers.Location!.ToString().Contains(id));
        (await peer.EventTypes()).ShouldBe(["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed", "charge.updated"]);
        (await peer.Http.GetStringAsync($"/c/pay/{id}", Cancel)).ShouldContain("This has been paid.");
    }

    [Theory]
    [InlineData("arrive", "paid", "checkout.session.async_payment_succeeded", "succeeded")]
    [InlineData("bounce", "unpaid", "checkout.session.async_payment_failed", "requires_payment_method")]
    public async Task Paying_later_completes_unpaid_and_ends_one_way_or_the_other(string button, string paymentStatus, string type, string intentStatus)
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        using var click = await peer.Click(id, "pay-later");
        var between = await peer.Get($"/v1/checkout/sessions/{id}");
        using var end = await peer.Click(id, button);
        using var again = await peer.Click(id, button);
        var session = await peer.Get($"/v1/checkout/sessions/{id}?expand[]=payment_intent");

        click.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        between["status"]!.GetValue<string>().ShouldBe("complete");
        between["payment_status"]!.GetValue<string>().ShouldBe("unpaid");
        session["payment_status"]!.GetValue<string>().ShouldBe(paymentStatus);
        session["payment_intent"]!["status"]!.GetValue<string>().ShouldBe(intentStatus);
        (await peer.EventTypes()).Count(happened => happened == type).ShouldBe(1);
    }

    [Fact]
    public async Task Declined_card_leaves_the_session_open_for_another()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        using var declined = await peer.Click(id, "decline");
        using var paid = await peer.Click(id, "pay");

        (await declined.Content.ReadAsStringAsync(Cancel)).ShouldContain("Your card was declined");
        paid.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        (await peer.EventTypes()).ShouldBe([
            "payment_intent.created", "charge.failed", "payment_intent.payment_failed",
            "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed", "charge.updated"]);
    }

    [Fact]
    public async Task Cancelling_only_goes_back()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        using var click = await peer.Click(id, "cancel");

        click.Headers.Location!.ToString().ShouldBe("http://localhost:8080/plans");
        (await peer.Get($"/v1/checkout/sessions/{id}"))["status"]!.GetValue<string>().ShouldBe("open");
    }

    [Fact]
    public async Task Expired_and_unknown_sessions_cannot_be_paid()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();
        await peer.Control($"checkout/{id}/expire");

        using var expired = await peer.Click(id, "pay");
        using var unknown = await peer.Click("cs_test_none", "pay");

        (await expired.Content.ReadAsStringAsync(Cancel)).ShouldContain("expired");
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await peer.EventTypes()).ShouldBe(["checkout.session.expired"]);
    }
}
