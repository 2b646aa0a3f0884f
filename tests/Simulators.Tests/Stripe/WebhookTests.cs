using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.Stripe;

public sealed class WebhookTests
{
    private static readonly string[] Paid =
        ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "checkout.session.completed", "charge.updated"];

    [Fact]
    public async Task Events_arrive_in_the_order_in_which_they_happened_and_look_like_Stripes()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);

        await OfficialClientTests.Paid(peer);
        await receiver.WaitFor("charge.updated");

        receiver.Types.ShouldBe(Paid);
        var completed = receiver.Received[3].Event;
        completed["object"]!.GetValue<string>().ShouldBe("event");
        completed["livemode"]!.GetValue<bool>().ShouldBeFalse();
        completed["api_version"]!.GetValue<string>().ShouldStartWith("2026-07-29");
        completed["pending_webhooks"]!.GetValue<int>().ShouldBe(1);
        completed["request"]!.AsObject().ContainsKey("idempotency_key").ShouldBeTrue();
        completed["data"]!["object"]!["payment_status"]!.GetValue<string>().ShouldBe("paid");
        await Eventually.Async(async () => (await peer.Get($"/v1/events/{receiver.Received[3].Id}"))["pending_webhooks"]!.GetValue<int>() == 0, "the delivery's record");
    }

    [Fact]
    public async Task Refused_webhook_comes_again_and_does_not_hold_up_the_others()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        receiver.Answer = webhook => webhook.Type == "charge.succeeded" && receiver.Types.Count(type => type == webhook.Type) < 2 ? 500 : 200;

        await OfficialClientTests.Paid(peer);
        await receiver.WaitFor("charge.succeeded", times: 3);
        await receiver.WaitFor("charge.updated");

        var tries = receiver.Received.Where(webhook => webhook.Type == "charge.succeeded").ToList();
        tries.Select(webhook => webhook.Id).Distinct().ShouldHaveSingleItem();
        receiver.Types.Distinct().ShouldBe(Paid, ignoreOrder: true);
    }

    [Fact]
    public async Task Receiver_that_never_accepts_is_given_up()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url, webhookAttempts: 3);
        receiver.Answer = _ => 503;

        await peer.Control($"checkout/{await peer.CreateSession()}/expire");
        await Eventually.Async(async () => (await peer.Get("/control/webhooks"))["deliveries"]![0]?["state"]!.GetValue<string>() == "GivenUp", "giving up");

        receiver.Types.Length.ShouldBe(3);
    }

    [Fact]
    public async Task Duplicated_webhook_is_the_same_event_several_times()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        await peer.Control("faults", new { kind = "webhook_duplicate", match = "checkout.session.completed", times = 4 });

        await OfficialClientTests.Paid(peer);
        await receiver.WaitFor("charge.updated");

        receiver.Received.Where(webhook => webhook.Type == "checkout.session.completed").Select(webhook => webhook.Id).ToList().ShouldSatisfyAllConditions(
            ids => ids.Count.ShouldBe(5),
            ids => ids.Distinct().ShouldHaveSingleItem());
    }

    [Fact]
    public async Task Reordered_webhook_lets_others_overtake_it()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        await peer.Control("faults", new { kind = "webhook_reorder", match = "payment_intent.created", times = 4, seconds = 60 });

        await OfficialClientTests.Paid(peer);
        await receiver.WaitFor("payment_intent.created");

        receiver.Types.ShouldBe([.. Paid[1..], Paid[0]]);
    }

    [Fact]
    public async Task Delayed_webhook_comes_later_and_a_dropped_one_only_in_the_list()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        await peer.Control("faults", new object[]
        {
            new { kind = "webhook_delay", match = "charge.*", seconds = 0.3 },
            new { kind = "webhook_drop", match = "checkout.*" },
        });

        await OfficialClientTests.Paid(peer);
        await receiver.WaitFor("charge.succeeded");

        receiver.Types.ShouldNotContain("checkout.session.completed");
        (await peer.EventTypes()).ShouldContain("checkout.session.completed");
        var dropped = (await peer.Get("/v1/events?type=checkout.session.completed"))["data"]![0]!["id"]!.GetValue<string>();
        using var resent = await peer.Send($"/control/webhooks/{dropped}/resend");
        await receiver.WaitFor("checkout.session.completed");
    }

    [Theory]
    [InlineData("webhook_bad_signature")]
    [InlineData("webhook_stale_signature")]
    public async Task Unsound_signature_is_refused_by_Stripes_client_and_the_next_attempt_is_sound(string kind)
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        receiver.Answer = _ => receiver.Received.Count == 0 ? 400 : 200;
        await peer.Control("faults", new { kind });

        await peer.Control($"checkout/{await peer.CreateSession()}/expire");
        await receiver.WaitFor("checkout.session.expired", times: 2);

        var verdicts = await peer.Client("construct", receiver.Received.Select(webhook => new { payload = webhook.Payload, signature = webhook.Signature, secret = StripePeer.Secret }));
        verdicts.AsArray().Select(verdict => verdict!["error"] is null).ShouldBe([false, true]);
    }

    [Fact]
    public async Task Any_payload_can_be_sent_with_a_sound_signature()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url);
        receiver.Answer = _ => 202;

        using var answer = await peer.Http.PostAsync("/control/webhooks/send", new StringContent("""{"id":"evt_x","type":"planet.discovered"}"""), TestContext.Current.CancellationToken);

        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("""{"status":202}""");
        receiver.Types.ShouldBe(["planet.discovered"]);
    }
}
