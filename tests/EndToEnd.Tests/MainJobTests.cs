using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Imaging;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>From a photograph to a staged picture paid with a credit, through the gateway alone.</summary>
[Collection(SharedStack.Collection)]
public sealed class MainJobTests(SharedStack shared)
{
    private TestStack Stack => shared.Stack;

    [Fact]
    public async Task A_credit_bought_through_Stripe_pays_for_a_staged_picture_and_the_statement_says_so()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var order = await visitor.BuyAsync("value");

        var job = await visitor.StageAsync();
        var events = await visitor.EventsAsync($"/api/v1/stagings/{job}/events");

        events[0].EventType.ShouldBe("snapshot");
        events[^1].EventType.ShouldBe("succeeded");
        var ended = await visitor.EndedAsync(job);
        ((int)ended["receipt"]!["held"]!).ShouldBe(1);
        ((int)ended["receipt"]!["captured"]!).ShouldBe(1);
        foreach (var variant in (string[])["clean", "labeled", "thumb"])
        {
            using var picture = await visitor.GetAsync($"/api/v1/stagings/{job}/images/1?variant={variant}");
            picture.StatusCode.ShouldBe(HttpStatusCode.OK);
            var bytes = await picture.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
            ImageMediaType.Of(bytes).ShouldBe(picture.Content.Headers.ContentType!.MediaType);
            picture.Headers.CacheControl!.Private.ShouldBeTrue();
        }

        await Eventually.Async(async () => (int)(await visitor.ReadAsync("/api/v1/credits"))["held"]! == 0, "the hold is settled");
        (await visitor.AvailableAsync()).ShouldBe(19);
        var entries = (JsonArray)(await visitor.ReadAsync("/api/v1/credits/entries"))["items"]!;
        entries.Select(entry => ((string)entry!["kind"]!, (int)entry["amount"]!, (int)entry["quantity"]!)).ShouldBe([("capture", 0, 1), ("hold", -1, 1), ("grant", 20, 20)]);
        ((string)(await visitor.ReadAsync($"/api/v1/orders/{order}"))["status"]!).ShouldBe("paid");
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_submits_race_for_the_last_credit_and_one_wins()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("quick");
        await visitor.EndedAsync(await visitor.StageAsync(variations: 4));
        await Eventually.Async(async () => await visitor.AvailableAsync() == 1, "one credit is left");

        var answers = await Task.WhenAll(visitor.SubmitAsync(), visitor.SubmitAsync());

        answers.Select(answer => answer.StatusCode).Order().ShouldBe([HttpStatusCode.Accepted, HttpStatusCode.PaymentRequired]);
        var refusal = await answers.Single(answer => answer.StatusCode == HttpStatusCode.PaymentRequired).Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken);
        ((string)refusal!["code"]!).ShouldBe("insufficient_credits");
        await Eventually.Async(async () => await visitor.AvailableAsync() == 0, "the last credit is used");
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_webhook_delivered_fifty_times_at_once_grants_once()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        var (order, _) = await visitor.CheckOutAsync("quick");
        var payload = JsonSerializer.Serialize(new
        {
            id = $"evt_{Guid.NewGuid():N}",
            @object = "event",
            type = "checkout.session.completed",
            livemode = false,
            api_version = "2026-07-29.dahlia",
            created = DateTimeOffset.UtcNow.ToUnixTimeSeconds(),
            data = new
            {
                @object = new
                {
                    id = $"cs_test_{Guid.NewGuid():N}",
                    @object = "checkout.session",
                    client_reference_id = order,
                    metadata = new { order_id = order },
                    payment_status = "paid",
                    payment_intent = "pi_of_the_test",
                    amount_total = 900,
                    currency = "usd",
                },
            },
        });
        var signed = Sign(payload, Stack.Setting("billing", "STRIPE_WEBHOOK_SECRET").Split(',')[0]);

        using var stripe = new HttpClient { BaseAddress = Stack.PublicUrl };
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ =>
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new StringContent(payload, Encoding.UTF8, "application/json") };
            request.Headers.Add("Stripe-Signature", signed);
            return stripe.SendAsync(request, TestContext.Current.CancellationToken);
        }));

        answers.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);
        await Eventually.Async(async () => await visitor.AvailableAsync() > 0, "the credits have arrived");
        await Eventually.Async(async () => (await Ledger.QueryAsync(Stack, "billing", "select message_id from outbox")).Count == 0, "billing has said all it had to say");
        (await visitor.AvailableAsync()).ShouldBe(5);
        (await Ledger.QueryAsync(Stack, "entitlements", $"select credits from grants where order_id = '{order}'")).ShouldBe(["5"]);
    }

    [Fact]
    public async Task The_same_idempotency_key_twice_is_one_job()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("quick");
        var key = Guid.NewGuid().ToString();

        var jobs = await Task.WhenAll(visitor.StageAsync(key: key), visitor.StageAsync(key: key));

        jobs.Distinct().ShouldHaveSingleItem();
        await visitor.EndedAsync(jobs[0]);
        await Eventually.Async(async () => await visitor.AvailableAsync() == 4, "one credit was used");
        ((JsonArray)(await visitor.ReadAsync("/api/v1/stagings"))["items"]!).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Every_id_of_another_visitor_is_unknown()
    {
        using var owner = await Visitor.ArriveAsync(Stack);
        using var other = await Visitor.ArriveAsync(Stack);
        var order = await owner.BuyAsync("quick");
        var job = await owner.StageAsync();
        await owner.EndedAsync(job);
        var unknown = Guid.CreateVersion7();

        foreach (var id in (Guid[])[job, unknown])
        {
            foreach (var path in (string[])["", "/events", "/images/1", "/images/1?variant=labeled", "/original"])
                await ShouldBeUnknownAsync(await other.GetAsync($"/api/v1/stagings/{id}{path}"));
            await ShouldBeUnknownAsync(await other.SendAsync(HttpMethod.Post, $"/api/v1/stagings/{id}/cancel"));
            await ShouldBeUnknownAsync(await other.SendAsync(HttpMethod.Delete, $"/api/v1/stagings/{id}"));
        }

        foreach (var id in (Guid[])[order, unknown])
            await ShouldBeUnknownAsync(await other.GetAsync($"/api/v1/orders/{id}"));
        ((JsonArray)(await other.ReadAsync("/api/v1/stagings"))["items"]!).ShouldBeEmpty();
        ((JsonArray)(await other.ReadAsync("/api/v1/orders"))["items"]!).ShouldBeEmpty();
        ((JsonArray)(await other.ReadAsync("/api/v1/credits/entries"))["items"]!).ShouldBeEmpty();
        ((string)(await owner.ReadAsync($"/api/v1/stagings/{job}"))["status"]!).ShouldBe("succeeded");
    }

    [Fact]
    public async Task A_late_subscriber_gets_the_end_and_one_who_has_it_is_sent_away()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("quick");
        var job = await visitor.StageAsync();
        var path = $"/api/v1/stagings/{job}/events";
        var live = await visitor.EventsAsync(path);

        var late = await visitor.EventsAsync(path);
        late.ShouldHaveSingleItem().EventType.ShouldBe("snapshot");
        ((string)JsonNode.Parse(late[0].Data)!["status"]!).ShouldBe("succeeded");

        var resumed = await visitor.EventsAsync(path, after: live[0].EventId);
        resumed.Select(item => item.EventId).ShouldBe(live.Skip(1).Select(item => item.EventId));
        (await visitor.StatusOfStreamAsync(path, live[^1].EventId!)).ShouldBe(HttpStatusCode.NoContent);
    }

    [Fact]
    public async Task Ten_demos_in_parallel_all_succeed_and_the_ledger_balances()
    {
        using var pictures = new TemporaryFolder();
        var demos = await Task.WhenAll(Enumerable.Range(0, 10).Select(demo => DemoAsync(pictures.FullPath, variations: demo == 0 ? 2 : 0)));

        demos.ShouldAllBe(demo => demo.ExitCode == 0, string.Join('\n', demos.Select(demo => demo.Output)));
        Directory.GetFiles(pictures.FullPath, "*-clean.jpg").Length.ShouldBe(12);
        Directory.GetFiles(pictures.FullPath, "*-labeled.jpg").Length.ShouldBe(12);
        Directory.GetFiles(pictures.FullPath, "*-mid_century-*").Length.ShouldBe(4, "two variations, each clean and labelled");
        await Eventually.Async(
            async () => (await Ledger.QueryAsync(Stack, "entitlements", "select job_id from holds where state = 'open'")).Count == 0, "every hold is settled");
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
    }

    private Task<(int ExitCode, string Output)> DemoAsync(string pictures, int variations) =>
        ToolCommand.RunAsync(Stack, "demo", Visitor.SamplePhoto, "--out", pictures, "--variations", $"{variations}");

    private static string Sign(string payload, string secret)
    {
        var at = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        return $"t={at},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{at}.{payload}")))}";
    }

    private static async Task ShouldBeUnknownAsync(HttpResponseMessage answer)
    {
        using (answer)
        {
            answer.StatusCode.ShouldBe(HttpStatusCode.NotFound, answer.RequestMessage!.RequestUri!.PathAndQuery);
            (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("\"code\":\"not_found\"");
        }
    }
}
