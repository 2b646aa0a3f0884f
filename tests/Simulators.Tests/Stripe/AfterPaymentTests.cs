using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.Stripe;

/// <summary>What customers, banks and the dashboard do after a payment.</summary>
public sealed class AfterPaymentTests
{
    [Fact]
    public async Task Refund_that_fails_gives_the_money_back_to_the_account()
    {
        await using var peer = await StripePeer.Start();
        var intent = await OfficialClientTests.Paid(peer);

        var refund = await peer.Control("refunds", new { of = intent, amount = 700, status = "pending" });
        var between = (await peer.Get($"/v1/payment_intents/{intent}?expand[]=latest_charge"))["latest_charge"]!["amount_refunded"]!.GetValue<long>();
        await peer.Control($"refunds/{refund["id"]!.GetValue<string>()}/failed");
        var after = (await peer.Get($"/v1/payment_intents/{intent}?expand[]=latest_charge.refunds"))["latest_charge"]!;

        between.ShouldBe(700);
        after["amount_refunded"]!.GetValue<long>().ShouldBe(0);
        after["refunds"]!["data"]![0]!["status"]!.GetValue<string>().ShouldBe("failed");
        (await peer.EventTypes())[5..].ShouldBe(["refund.created", "charge.refunded", "charge.updated", "refund.updated", "charge.refund.updated", "refund.failed"]);
    }

    [Fact]
    public async Task Only_a_refund_that_waits_for_the_customer_can_be_canceled()
    {
        await using var peer = await StripePeer.Start();
        var intent = await OfficialClientTests.Paid(peer);
        var waiting = await peer.Control("refunds", new { of = intent, amount = 700, status = "requires_action" });
        var done = await peer.Control("refunds", new { of = intent, amount = 300 });

        var canceled = await peer.Post($"/v1/refunds/{waiting["id"]!.GetValue<string>()}/cancel");
        using var refused = await peer.Send($"/v1/refunds/{done["id"]!.GetValue<string>()}/cancel");

        canceled["status"]!.GetValue<string>().ShouldBe("canceled");
        ((int)refused.StatusCode).ShouldBe(400);
        (await peer.Get($"/v1/refunds?payment_intent={intent}"))["data"]!.AsArray().Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("won", "charge.dispute.closed,charge.dispute.funds_reinstated")]
    [InlineData("lost", "charge.dispute.closed")]
    public async Task Chargeback_takes_the_money_and_may_give_it_back(string end, string events)
    {
        await using var peer = await StripePeer.Start();
        var intent = await OfficialClientTests.Paid(peer);

        var dispute = await peer.Control("disputes", new { of = intent, reason = "product_not_received" });
        var id = dispute["id"]!.GetValue<string>();
        await peer.Control($"disputes/{id}/submit");
        await peer.Control($"disputes/{id}/{end}");

        (await peer.Get($"/v1/disputes/{id}"))["status"]!.GetValue<string>().ShouldBe(end);
        (await peer.EventTypes())[5..].ShouldBe(
            ["charge.updated", "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated", .. events.Split(',')]);
        var net = (await peer.Get($"/v1/disputes/{id}"))["balance_transactions"]!.AsArray().Sum(entry => entry!["amount"]!.GetValue<long>());
        net.ShouldBe(end == "won" ? 0 : -2500);
    }

    [Fact]
    public async Task Inquiry_takes_no_money_until_it_escalates()
    {
        await using var peer = await StripePeer.Start();
        var intent = await OfficialClientTests.Paid(peer);

        var inquiry = await peer.Control("disputes", new { of = intent, status = "warning_needs_response" });
        var escalated = await peer.Control($"disputes/{inquiry["id"]!.GetValue<string>()}/escalate");

        inquiry["balance_transactions"]!.AsArray().ShouldBeEmpty();
        inquiry["is_charge_refundable"]!.GetValue<bool>().ShouldBeTrue();
        escalated["status"]!.GetValue<string>().ShouldBe("needs_response");
        (await peer.EventTypes())[5..].ShouldBe(["charge.updated", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.funds_withdrawn"]);
    }

    [Fact]
    public async Task Early_fraud_warning_names_the_charge_and_the_payment()
    {
        await using var peer = await StripePeer.Start();
        var intent = await OfficialClientTests.Paid(peer);

        await peer.Control("early-fraud-warnings", new { of = intent });

        var warning = (await peer.Get($"/v1/radar/early_fraud_warnings?payment_intent={intent}"))["data"]![0]!;
        warning["charge"]!.GetValue<string>().ShouldStartWith("ch_");
        (await peer.EventTypes())[^1].ShouldBe("radar.early_fraud_warning.created");
    }

    [Fact]
    public async Task Sessions_of_a_customer_are_listed_by_e_mail_address()
    {
        await using var peer = await StripePeer.Start();
        await OfficialClientTests.Paid(peer);
        await peer.CreateSession();

        (await peer.Get("/v1/checkout/sessions?customer_details[email]=jenny.rosen@example.com"))["data"]!.AsArray().Count.ShouldBe(1);
        (await peer.Get("/v1/checkout/sessions?customer_details[email]=nobody@example.com"))["data"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Refused_order_of_the_control_changes_nothing()
    {
        await using var peer = await StripePeer.Start();
        var session = await peer.CreateSession();

        using var refused = await peer.Http.PostAsync("/control/disputes", new StringContent($$"""{"of":"{{session}}"}"""), TestContext.Current.CancellationToken);
        using var unknown = await peer.Send("/control/checkout/cs_test_none/pay");

        ((int)refused.StatusCode).ShouldBe(400);
        ((int)unknown.StatusCode).ShouldBe(404);
        (await peer.EventTypes()).ShouldBeEmpty();
    }
}
