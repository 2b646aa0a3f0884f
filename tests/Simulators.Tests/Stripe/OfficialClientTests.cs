using System.Net;
using System.Text.Json.Nodes;
using HomeStage.Simulators.Tests.Infrastructure;

namespace HomeStage.Simulators.Tests.Stripe;

/// <summary>Stripe's own npm client against the simulator.</summary>
public sealed class OfficialClientTests
{
    [Fact]
    public async Task Session_is_created_paid_and_read_with_its_payment()
    {
        await using var peer = await StripePeer.Start();

        var created = (await peer.Client("create"))["session"]!;
        var id = created["id"]!.GetValue<string>();
        using var click = await peer.Click(id, "pay");
        var session = (await peer.Client("retrieve", new { id }))["session"]!;

        Texts(created, "status", "payment_status", "client_reference_id", "payment_intent").ShouldBe(["open", "unpaid", "order-1", null]);
        created["url"]!.GetValue<string>().ShouldBe(new Uri(peer.Url, $"/c/pay/{id}").ToString());
        id.ShouldMatch("^cs_test_a1[0-9A-Za-z]{56}$");
        click.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        click.Headers.Location!.ToString().ShouldBe($"http://localhost:8080/done?session={id}");
        Texts(session, "status", "payment_status").ShouldBe(["complete", "paid"]);
        session["line_items"]!["data"]![0]!["amount_total"]!.GetValue<long>().ShouldBe(2500);
        var intent = session["payment_intent"]!;
        Texts(intent, "status").ShouldBe(["succeeded"]);
        intent["metadata"]!["order"]!.GetValue<string>().ShouldBe("order-1");
        intent["latest_charge"]!["metadata"]!["order"]!.GetValue<string>().ShouldBe("order-1");
        intent["latest_charge"]!["refunds"]!["data"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task Stored_price_is_sold()
    {
        await using var peer = await StripePeer.Start();

        var session = (await peer.Client("price"))["session"]!;

        session["amount_total"]!.GetValue<long>().ShouldBe(1800);
    }

    [Fact]
    public async Task Session_expires_once()
    {
        await using var peer = await StripePeer.Start();
        var id = await peer.CreateSession();

        var results = await peer.Client("expire", new[] { new { id }, new { id } });

        var (expired, again) = (results[0]!, results[1]!);
        Texts(expired["session"]!, "status", "url").ShouldBe(["expired", null]);
        Texts(again["error"]!, "class", "status").ShouldBe(["StripeInvalidRequestError", "400"]);
        (await peer.EventTypes()).ShouldBe(["checkout.session.expired"]);
    }

    [Fact]
    public async Task Refunds_add_up_and_end_with_the_charge()
    {
        await using var peer = await StripePeer.Start();
        var intent = await Paid(peer);

        var results = (await peer.Client("refund", new object[]
        {
            new { payment_intent = intent, amount = 1000, reason = "requested_by_customer" },
            new { payment_intent = intent, amount = 1501 },
            new { payment_intent = intent },
            new { payment_intent = intent },
        })).AsArray();
        var (part, tooMuch, rest, none) = (results[0]!, results[1]!, results[2]!, results[3]!);
        var charge = (await peer.Client("intent", new { id = intent }))["intent"]!["latest_charge"]!;

        Texts(part["refund"]!, "status", "amount", "reason").ShouldBe(["succeeded", "1000", "requested_by_customer"]);
        Texts(tooMuch["error"]!, "class", "param").ShouldBe(["StripeInvalidRequestError", "amount"]);
        Texts(rest["refund"]!, "amount").ShouldBe(["1500"]);
        Texts(none["error"]!, "code").ShouldBe(["charge_already_refunded"]);
        Texts(charge, "amount_refunded", "refunded").ShouldBe(["2500", "true"]);
        charge["refunds"]!["data"]!.AsArray().Count.ShouldBe(2);
    }

    [Fact]
    public async Task Dispute_is_listed_by_payment_and_lost_when_it_is_closed()
    {
        await using var peer = await StripePeer.Start();
        var intent = await Paid(peer);
        var opened = await peer.Control("disputes", new { of = intent });

        var listed = (await peer.Client("disputes", new { intent }))["disputes"]!.AsArray();
        var closed = (await peer.Client("closeDispute", new { id = opened["id"]!.GetValue<string>() }))["dispute"]!;
        var refund = await peer.Client("refund", new { payment_intent = intent });

        Texts(listed.ShouldHaveSingleItem()!, "status", "amount", "payment_intent").ShouldBe(["needs_response", "2500", intent]);
        Texts(closed, "status").ShouldBe(["lost"]);
        Texts(refund["error"]!, "code").ShouldBe(["charge_disputed"]);
    }

    [Fact]
    public async Task Events_are_paged_newest_first_and_filtered()
    {
        await using var peer = await StripePeer.Start();
        for (var session = 0; session < 7; session++)
            await peer.Control($"checkout/{await peer.CreateSession()}/expire");
        await Paid(peer);

        var all = (await peer.Client("page", new { limit = 3, types = new[] { "checkout.session.expired" }, since = 0 }))["ids"]!.AsArray();
        var none = (await peer.Client("page", new { limit = 3, types = new[] { "checkout.session.expired" }, since = 4_000_000_000 }))["ids"]!.AsArray();

        all.Select(id => id!.GetValue<string>()).Distinct().Count().ShouldBe(7);
        none.ShouldBeEmpty();
        var newest = (await peer.Get("/v1/events?limit=1"))["data"]![0]!["id"]!.GetValue<string>();
        var before = (await peer.Get($"/v1/events?ending_before={all[^1]!.GetValue<string>()}&limit=100"))["data"]!.AsArray();
        before[0]!["id"]!.GetValue<string>().ShouldBe(newest);
    }

    [Fact]
    public async Task Idempotency_key_replays_its_answer_and_refuses_other_parameters()
    {
        await using var peer = await StripePeer.Start();

        var twice = await peer.Client("createTwice", new { key = "order-1" });
        var other = await peer.Client("create", new { key = "order-1", session = new { client_reference_id = "order-2" } });

        twice["second"]!.GetValue<string>().ShouldBe(twice["first"]!.GetValue<string>());
        twice["replayed"]!.GetValue<string>().ShouldBe("true");
        Texts(other["error"]!, "class", "status", "type").ShouldBe(["StripeIdempotencyError", "400", "idempotency_error"]);
        (await peer.Get("/v1/checkout/sessions"))["data"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task Error_is_saved_under_the_idempotency_key_too()
    {
        await using var peer = await StripePeer.Start();
        await peer.Control("faults", new { kind = "status", status = 500, match = "POST /v1/checkout/sessions" });

        var failed = (await peer.Client("create", new { key = "order-1" }))["error"]!;
        var again = (await peer.Client("create", new { key = "order-1" }))["error"]!;
        var other = await peer.Client("create", new { key = "order-1", session = new { client_reference_id = "order-2" } });
        var next = await peer.Client("create", new { key = "order-1-again" });

        Texts(failed, "class", "status").ShouldBe(["StripeAPIError", "500"]);
        Texts(again, "class", "status", "message").ShouldBe(Texts(failed, "class", "status", "message"));
        Texts(other["error"]!, "type").ShouldBe(["idempotency_error"]);
        next["session"].ShouldNotBeNull(next.ToJsonString());
    }

    [Theory]
    [InlineData(401, null)]
    [InlineData(429, null)]
    [InlineData(409, "lock_timeout")]
    public async Task Error_of_before_the_endpoint_began_is_not_saved(int status, string? code)
    {
        await using var peer = await StripePeer.Start();
        await peer.Control("faults", new { kind = "status", status, code, match = "POST /v1/checkout/sessions" });

        var failed = await peer.Client("create", new { key = "order-1" });
        var again = await peer.Client("create", new { key = "order-1" });

        Texts(failed["error"]!, "status").ShouldBe([$"{status}"]);
        again["session"].ShouldNotBeNull(again.ToJsonString());
    }

    [Fact]
    public async Task What_is_not_there_is_saved_and_a_senseless_parameter_is_not()
    {
        await using var peer = await StripePeer.Start();
        async Task<string?> Refund(string key, string intent, string amount)
        {
            using var answer = await peer.Send("/v1/refunds", key, ("payment_intent", intent), ("amount", amount));
            return answer.Headers.TryGetValues("Idempotent-Replayed", out var replayed) ? replayed.Single() : null;
        }

        await Refund("gone", "pi_none", "100");
        (await Refund("gone", "pi_none", "100")).ShouldBe("true");
        var intent = await Paid(peer);
        await Refund("senseless", intent, "0");
        (await Refund("senseless", intent, "0")).ShouldBeNull();
    }

    [Fact]
    public async Task Senseless_session_is_refused_with_its_parameter()
    {
        await using var peer = await StripePeer.Start();
        (object overrides, string param, string? code)[] cases =
        [
            (new { mode = (string?)null }, "mode", "parameter_missing"),
            (new { success_url = "nowhere" }, "success_url", "url_invalid"),
            (new { line_items = Array.Empty<object>() }, "line_items", "parameter_missing"),
            (new { line_items = new[] { new { price = "price_none", quantity = 1 } } }, "line_items[0][price]", "resource_missing"),
            (new { clientReferenceId = "x" }, "clientReferenceId", "parameter_unknown"),
            (new { expires_at = 1 }, "expires_at", null),
        ];

        var results = (await peer.Client("create", cases.Select(senseless => new { session = senseless.overrides }))).AsArray();

        results.Select(result => string.Join(' ', Texts(result!["error"]!, "class", "param", "code")))
            .ShouldBe(cases.Select(expected => $"StripeInvalidRequestError {expected.param} {expected.code}"));
        results[0]!["error"]!["requestId"]!.GetValue<string>().ShouldStartWith("req_");
    }

    [Fact]
    public async Task Wrong_key_and_unknown_id_have_errors_of_their_own()
    {
        await using var peer = await StripePeer.Start();

        var key = (await peer.Client("create", apiKey: "sk_test_somebodyelse"))["error"]!;
        var id = (await peer.Client("retrieve", new { id = "cs_test_none" }))["error"]!;

        Texts(key, "class", "status").ShouldBe(["StripeAuthenticationError", "401"]);
        key["message"]!.GetValue<string>().ShouldNotContain("sk_test_somebodyelse");
        Texts(id, "class", "status", "code").ShouldBe(["StripeInvalidRequestError", "404", "resource_missing"]);
    }

    [Fact]
    public async Task Webhook_of_the_simulator_is_accepted_and_a_tampered_one_refused()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var peer = await StripePeer.Start(receiver.Url, secrets: ["whsec_old", "whsec_new"]);
        await Paid(peer);
        await receiver.WaitFor("checkout.session.completed");
        var webhook = receiver.Received.First(webhook => webhook.Type == "checkout.session.completed");

        var tampered = webhook.Payload.Replace("2500", "9900", StringComparison.Ordinal);
        var results = (await peer.Client("construct", new[]
        {
            new { payload = webhook.Payload, signature = webhook.Signature, secret = "whsec_old" },
            new { payload = webhook.Payload, signature = webhook.Signature, secret = "whsec_new" },
            new { payload = tampered, signature = webhook.Signature, secret = "whsec_new" },
            new { payload = webhook.Payload, signature = webhook.Signature, secret = "whsec_other" },
        })).AsArray();

        results.Take(2).ShouldAllBe(result => result!["type"]!.GetValue<string>() == "checkout.session.completed");
        results.Skip(2).ShouldAllBe(result => result!["error"]!["class"]!.GetValue<string>() == "StripeSignatureVerificationError");
    }

    [Fact]
    public async Task Client_repeats_a_cut_request_and_one_session_results()
    {
        await using var peer = await StripePeer.Start();
        await peer.Control("faults", new { kind = "cut_after_reading", match = "POST /v1/checkout/sessions" });

        var created = await peer.Client("create", new { retries = 2 });

        created["session"].ShouldNotBeNull(created.ToJsonString());
        (await peer.Get("/v1/checkout/sessions"))["data"]!.AsArray().Count.ShouldBe(1);
    }

    internal static async Task<string> Paid(StripePeer peer)
    {
        var session = await peer.Control($"checkout/{await peer.CreateSession()}/pay");
        return session["payment_intent"]!.GetValue<string>();
    }

    private static string?[] Texts(JsonNode json, params string[] names) => [.. names.Select(name => json[name]?.ToString())];
}
