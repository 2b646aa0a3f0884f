using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using Microsoft.Playwright;
using Npgsql;

namespace HomeStage.Browser.Tests;

/// <summary>The API document is true: every operation in it is called on the running system, and every answer is as it says.</summary>
public sealed class ContractTests(RunningSystem scene)
{
    private static readonly string SamplePhoto = Path.Combine(AppContext.BaseDirectory, "empty-room.jpg");
    private static readonly Guid Unknown = Guid.CreateVersion7();

    private Contract _api = null!;
    private HttpClient _nobody = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_operation_answers_as_the_API_document_says()
    {
        using var nobody = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false }) { BaseAddress = scene.Stack.PublicUrl };
        _nobody = nobody;
        _api = await Contract.ReadAsync(nobody);

        using var visitor = await ArriveAsync();
        await CallOpenAsync(visitor);
        await CallCreditsAsync(visitor);
        await CallStagingsAsync(visitor);
        await CallListingsAsync(visitor);
        var page = await scene.OpenAsync([]);
        await SignInTests.SignInAsync(page, "dora");
        await Assertions.Expect(page.Locator("#account")).ToHaveTextAsync("Account", new() { Timeout = 60_000 });
        using var member = scene.Client(scene.Stack.PublicUrl, (await page.Context.CookiesAsync()).Single(cookie => cookie.Name == "__Host-homestage").Value);
        await CallMergeAsync();
        await CallKeysAsync(member, visitor);
        await CallWebhookEndpointsAsync(member, visitor);
        await CallSessionsAsync(member);

        (await _api.ProblemsAsync()).ShouldBeEmpty();
        _api.Missing.ShouldBeEmpty();
    }

    private static void Elsewhere(HttpRequestHeaders headers) => headers.Host = "elsewhere.example";

    private static ByteArrayContent Photo(string type = "image/jpeg", byte[]? bytes = null) =>
        new(bytes ?? File.ReadAllBytes(SamplePhoto)) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };

    /// <summary>Somebody new, with a session.</summary>
    private async Task<HttpClient> ArriveAsync()
    {
        var (_, answer) = await _api.CallAsync(_nobody, "GET", "/api/v1/session", 200);
        return ClientOf(answer);
    }

    private HttpClient ClientOf(HttpResponseMessage answer) => scene.Client(
        scene.Stack.PublicUrl, answer.Headers.GetValues("Set-Cookie").Single(cookie => cookie.StartsWith("__Host-homestage=", StringComparison.Ordinal)).Split(';')[0].Split('=', 2)[1]);

    private async Task CallOpenAsync(HttpClient visitor)
    {
        foreach (var path in (string[])["/api/v1/catalog", "/api/v1/plans"])
        {
            await _api.CallAsync(_nobody, "GET", path, 200);
            await _api.CallAsync(_nobody, "GET", path, 400, headers: Elsewhere);
        }

        await _api.CallAsync(_nobody, "GET", "/api/v1/session", 401, headers: headers => headers.Authorization = new("Bearer", "nothing"));
        await _api.CallAsync(visitor, "POST", "/api/v1/session", 200);
        await _api.CallAsync(_nobody, "POST", "/api/v1/session", 403, headers: headers => headers.Add("Origin", "https://elsewhere.example"));
        await _api.CallAsync(visitor, "POST", "/auth/login", 200, new { provider = "local", returnUrl = "/" });
        await _api.CallAsync(visitor, "POST", "/auth/login", 400, new { provider = "unknown" });
        await _api.CallAsync(_nobody, "GET", "/auth/callback/local", 302);
        await _api.CallAsync(_nobody, "GET", "/auth/callback/local", 400, headers: Elsewhere);
        await _api.CallAsync(visitor, "POST", "/auth/merge", 409, new { merge = true });
        using var leaving = await ArriveAsync();
        await _api.CallAsync(leaving, "POST", "/auth/logout", 200, new { everywhere = false });
        await _api.CallAsync(_nobody, "POST", "/auth/logout", 403, new { everywhere = false });

        var happened = JsonSerializer.Serialize(new { id = $"evt_{Guid.NewGuid():N}", type = "customer.created", livemode = false, data = new { @object = new { id = "cus_1", @object = "customer" } } });
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var secret = scene.Stack.Setting("billing", "STRIPE_WEBHOOK_SECRET").Split(',')[0];
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{at}.{happened}")));
        await _api.CallAsync(_nobody, "POST", "/webhooks/stripe", 200, Event(happened), headers => headers.Add("Stripe-Signature", $"t={at},v1={signature}"));
        await _api.CallAsync(_nobody, "POST", "/webhooks/stripe", 400, Event(happened), headers => headers.Add("Stripe-Signature", $"t={at},v1={new string('0', 64)}"));

        static StringContent Event(string text) => new(text, Encoding.UTF8, "application/json");
    }

    /// <summary>Buys a pack, and opens the account on another device.</summary>
    private async Task CallCreditsAsync(HttpClient visitor)
    {
        await _api.CallAsync(_nobody, "GET", "/api/v1/credits", 401);
        await _api.CallAsync(visitor, "GET", "/api/v1/credits", 200);
        var refused = Guid.NewGuid().ToString();
        await _api.CallAsync(visitor, "POST", "/api/v1/checkout", 400, new { plan = "none" }, headers => headers.Add("Idempotency-Key", refused));
        await _api.CallAsync(visitor, "POST", "/api/v1/checkout", 409, new { plan = "quick" }, headers => headers.Add("Idempotency-Key", refused));
        var (bought, _) = await _api.CallAsync(visitor, "POST", "/api/v1/checkout", 201, new { plan = "quick" });
        var order = $"/api/v1/orders/{bought!["orderId"]}";
        await _api.CallAsync(visitor, "GET", order, 200);
        using var paid = await _nobody.PostAsync(new Uri(new Uri((string)bought["url"]!).GetLeftPart(UriPartial.Path) + "/pay"), new FormUrlEncodedContent([]), Cancel);
        await Eventually.Async(async () => JsonNode.Parse(await visitor.GetStringAsync("/api/v1/credits", Cancel))!["available"]!.GetValue<int>() == 5, "the credits have arrived");

        await _api.CallAsync(visitor, "GET", "/api/v1/credits", 200);
        await _api.CallAsync(visitor, "GET", "/api/v1/credits/entries?limit=1", 200);
        await _api.CallAsync(visitor, "GET", "/api/v1/credits/entries?limit=0", 400);
        await _api.CallAsync(visitor, "GET", "/api/v1/orders", 200);
        await _api.CallAsync(visitor, "GET", "/api/v1/orders?cursor=x", 400);
        await _api.CallAsync(visitor, "GET", $"/api/v1/orders/{Unknown}", 404);
        await _api.CallAsync(visitor, "GET", order + "/receipt", 200);
        await _api.CallAsync(visitor, "GET", $"/api/v1/orders/{Unknown}/receipt", 404);
        var (owned, _) = await _api.CallAsync(visitor, "GET", order, 200);
        await _api.CallAsync(_nobody, "POST", "/api/v1/session/restore", 404, new { code = "0000-0000" });
        await _api.CallAsync(_nobody, "POST", "/api/v1/session/restore", 200, new { code = (string)owned!["restoreCode"]! });
    }

    private async Task CallStagingsAsync(HttpClient visitor)
    {
        var (photo, _) = await _api.CallAsync(visitor, "POST", "/api/v1/photos", 201, Photo());
        await _api.CallAsync(visitor, "POST", "/api/v1/photos", 422, Photo("application/octet-stream", [1, 2, 3]));
        await _api.CallAsync(visitor, "POST", "/api/v1/photos", 415, Photo("image/gif"));
        var choices = new { photoId = (string)photo!["id"]!, room = "living_room", style = "scandinavian" };
        await _api.CallAsync(visitor, "POST", "/api/v1/stagings", 400, new { choices.photoId, room = "cellar" });
        await _api.CallAsync(visitor, "POST", "/api/v1/stagings", 402, new { choices.photoId, choices.room, choices.style, quality = "high", variations = 4 });

        // The worker stands still, so that there is a staging that has not ended.
        var worker = scene.Stack.Process("staging-worker");
        worker.Freeze();
        var (waiting, _) = await _api.CallAsync(visitor, "POST", "/api/v1/stagings", 202, choices);
        var self = (string)waiting!["urls"]!["self"]!;
        await _api.CallAsync(visitor, "GET", self, 200);
        await _api.CallAsync(visitor, "DELETE", self, 409);
        await _api.CallAsync(visitor, "GET", self + "/preview", 404);
        await using (var database = NpgsqlDataSource.Create(scene.Stack.AdminConnection("staging")))
        await using (var preview = database.CreateCommand($"update jobs set preview_blob = original_blob where id = '{waiting["id"]}'"))
            await preview.ExecuteNonQueryAsync(Cancel);
        await _api.CallAsync(visitor, "GET", self + "/preview", 200);
        await _api.CallAsync(visitor, "POST", self + "/cancel", 200);
        await _api.CallAsync(visitor, "POST", $"/api/v1/stagings/{Unknown}/cancel", 404);
        await _api.CallAsync(visitor, "DELETE", self, 204);
        await _api.CallAsync(visitor, "DELETE", $"/api/v1/stagings/{Unknown}", 404);
        worker.Thaw();

        var form = new MultipartFormDataContent { { Photo(), "photo", "room.jpg" }, { new StringContent(choices.room), "room" }, { new StringContent(choices.style), "style" } };
        var (staged, _) = await _api.CallAsync(visitor, "POST", "/api/v1/stagings", 202, form);
        var urls = staged!["urls"]!;
        var (stream, _) = await _api.CallAsync(visitor, "GET", (string)urls["events"]!, 200);
        var last = stream!.ToString().Split('\n').Last(line => line.StartsWith("id: ", StringComparison.Ordinal))[4..];
        await _api.CallAsync(visitor, "GET", (string)urls["events"]!, 204, headers: headers => headers.Add("Last-Event-ID", last));
        await _api.CallAsync(visitor, "GET", $"/api/v1/stagings/{Unknown}/events", 404);
        await _api.CallAsync(visitor, "GET", "/api/v1/events", 200, until: "snapshot");
        await _api.CallAsync(_nobody, "GET", "/api/v1/events", 401);

        var (ended, _) = await _api.CallAsync(visitor, "GET", (string)urls["self"]!, 200);
        ((string)ended!["status"]!).ShouldBe("succeeded");
        await _api.CallAsync(visitor, "GET", $"/api/v1/stagings/{Unknown}", 404);
        await _api.CallAsync(visitor, "GET", "/api/v1/stagings?limit=1", 200);
        await _api.CallAsync(_nobody, "GET", "/api/v1/stagings", 401);
        var picture = (string)ended["images"]![0]!["urls"]!["clean"]!;
        var (_, whole) = await _api.CallAsync(visitor, "GET", picture, 200);
        await _api.CallAsync(visitor, "GET", picture, 206, headers: headers => headers.Range = new(0, 9));
        await _api.CallAsync(visitor, "GET", picture, 304, headers: headers => headers.IfNoneMatch.Add(whole.Headers.ETag!));
        await _api.CallAsync(visitor, "GET", picture + "er", 400);
        await _api.CallAsync(visitor, "GET", (string)urls["original"]!, 200);
        await CallDisclosureAsync(visitor, (string)ended["images"]![0]!["urls"]!["disclosure"]!, (string)urls["self"]!);
        await _api.CallAsync(visitor, "POST", (string)urls["regenerate"]!, 400, new { seed = 7 });
        await _api.CallAsync(visitor, "POST", $"/api/v1/stagings/{Unknown}/regenerate", 404, new { style = "modern" });
        var (again, _) = await _api.CallAsync(visitor, "POST", (string)urls["regenerate"]!, 202, new { style = "modern", format = "webp" });
        await _api.CallAsync(visitor, "GET", (string)again!["urls"]!["events"]!, 200);
        await _api.CallAsync(visitor, "DELETE", (string)again["urls"]!["self"]!, 204);
        await _api.CallAsync(visitor, "POST", (string)again["urls"]!["regenerate"]!, 410, new { style = "modern" });
        await _api.CallAsync(visitor, "GET", $"/api/v1/stagings/{Unknown}/original", 404);
    }

    private async Task CallListingsAsync(HttpClient visitor)
    {
        var (photo, _) = await _api.CallAsync(visitor, "POST", "/api/v1/photos", 201, Photo());
        var photos = new[] { new { photoId = (string)photo!["id"]!, room = "bedroom" } };
        await _api.CallAsync(visitor, "POST", "/api/v1/listings", 400, new { photos = Array.Empty<object>(), style = "coastal" });
        await _api.CallAsync(visitor, "POST", "/api/v1/listings", 400, new { photos, style = "coastal", prompt = new string('x', 2001) });
        await _api.CallAsync(visitor, "POST", "/api/v1/listings", 402, new { photos, style = "coastal", quality = "high", variations = 4 });
        var worker = scene.Stack.Process("staging-worker");
        worker.Freeze();
        var (listing, _) = await _api.CallAsync(visitor, "POST", "/api/v1/listings", 202, new { photos, style = "coastal", take = "as_many", name = "12 Elm Street" });
        var urls = listing!["urls"]!;
        await _api.CallAsync(visitor, "GET", (string)urls["self"]!, 200);
        await _api.CallAsync(visitor, "DELETE", (string)urls["self"]!, 409);
        await _api.CallAsync(visitor, "GET", (string)urls["self"]! + "/results.zip", 404);
        worker.Thaw();
        var (stream, _) = await _api.CallAsync(visitor, "GET", (string)urls["events"]!, 200);
        var last = stream!.ToString().Split('\n').Last(line => line.StartsWith("id: ", StringComparison.Ordinal))[4..];
        await _api.CallAsync(visitor, "GET", (string)urls["events"]!, 204, headers: headers => headers.Add("Last-Event-ID", last));
        await _api.CallAsync(visitor, "GET", $"/api/v1/listings/{Unknown}/events", 404);
        await _api.CallAsync(visitor, "GET", (string)urls["self"]! + "/results.zip", 200);
        await _api.CallAsync(visitor, "POST", (string)urls["self"]! + "/cancel", 200);
        await _api.CallAsync(visitor, "POST", $"/api/v1/listings/{Unknown}/cancel", 404);
        await _api.CallAsync(visitor, "GET", "/api/v1/listings?limit=1", 200);
        await _api.CallAsync(_nobody, "GET", "/api/v1/listings", 401);
        await _api.CallAsync(visitor, "DELETE", (string)urls["self"]!, 204);
        await _api.CallAsync(visitor, "GET", (string)urls["self"]!, 404);
        await _api.CallAsync(visitor, "DELETE", $"/api/v1/listings/{Unknown}", 404);
    }

    /// <summary>Publishes a picture, looks at it as anybody, and withdraws it.</summary>
    private async Task CallDisclosureAsync(HttpClient visitor, string disclosure, string staging)
    {
        await _api.CallAsync(visitor, "GET", disclosure, 404);
        var (published, _) = await _api.CallAsync(visitor, "PUT", disclosure, 200);
        await _api.CallAsync(visitor, "GET", disclosure, 200);
        await _api.CallAsync(visitor, "GET", disclosure + "/bundle", 200);
        await _api.CallAsync(visitor, "DELETE", staging, 409);
        var link = new Uri((string)published!["url"]!).AbsolutePath;
        string[] files = ["", "/qr.svg", "/images/original", "/images/staged"];
        foreach (var file in files)
            await _api.CallAsync(_nobody, "GET", link + file, 200);
        await _api.CallAsync(_nobody, "GET", link + "/page.css", 200);
        await _api.CallAsync(_nobody, "GET", link + "/page.css", 400, headers: Elsewhere);
        await _api.CallAsync(visitor, "DELETE", disclosure, 204);
        foreach (var file in files)
            await _api.CallAsync(_nobody, "GET", link + file, 404);
        await _api.CallAsync(visitor, "GET", disclosure + "/bundle", 404);
        var unknown = $"/api/v1/stagings/{Unknown}/images/1/disclosure";
        await _api.CallAsync(visitor, "PUT", unknown, 404);
        await _api.CallAsync(visitor, "DELETE", unknown, 404);
    }

    /// <summary>Dora's other browser, where a visitor had begun to buy.</summary>
    private async Task CallMergeAsync()
    {
        var page = await scene.OpenAsync([]);
        await page.EvaluateAsync("() => fetch('/api/v1/checkout', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{\"plan\":\"quick\"}' })");
        await SignInTests.SignInAsync(page, "dora");
        await Assertions.Expect(page.Locator("#mine")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        var cookies = (await page.Context.CookiesAsync()).ToDictionary(cookie => cookie.Name, cookie => cookie.Value);
        using var browser = scene.Client(scene.Stack.PublicUrl, $"{cookies["__Host-homestage"]}; __Host-homestage-merge={cookies["__Host-homestage-merge"]}");
        await _api.CallAsync(browser, "POST", "/auth/merge", 200, new { merge = true });
    }

    private async Task CallKeysAsync(HttpClient member, HttpClient visitor)
    {
        await _api.CallAsync(member, "POST", "/api/v1/api-keys", 400, new { name = " " });
        var (made, _) = await _api.CallAsync(
            member, "POST", "/api/v1/api-keys", 201, new { name = "uploader", scopes = (string[])["stagings:read"], monthlyCredits = 5 }, headers => headers.Add("Idempotency-Key", Guid.NewGuid().ToString()));
        await _api.CallAsync(member, "GET", "/api/v1/api-keys", 200);
        await _api.CallAsync(visitor, "GET", "/api/v1/api-keys", 403);
        var key = $"/api/v1/api-keys/{made!["id"]}";
        using var program = scene.Program(scene.Stack.PublicUrl, (string)made["key"]!);
        await _api.CallAsync(program, "GET", "/api/v1/stagings", 200);
        await _api.CallAsync(program, "GET", "/api/v1/credits", 403);
        await _api.CallAsync(member, "GET", key, 200);
        await _api.CallAsync(member, "GET", $"/api/v1/api-keys/{Unknown}", 404);
        await _api.CallAsync(member, "DELETE", key, 204);
        await _api.CallAsync(member, "DELETE", $"/api/v1/api-keys/{Unknown}", 404);
    }

    private async Task CallWebhookEndpointsAsync(HttpClient member, HttpClient visitor)
    {
        const string endpoints = "/api/v1/webhook-endpoints";
        await _api.CallAsync(member, "POST", endpoints, 422, new { url = "http://192.168.1.1/", eventTypes = (string[])["staging.succeeded"] });
        var (made, _) = await _api.CallAsync(
            member, "POST", endpoints, 201, new { url = scene.Stack.PublicUrl + "/nobody-takes-this", eventTypes = (string[])["staging.succeeded"] }, headers => headers.Add("Idempotency-Key", Guid.NewGuid().ToString()));
        await _api.CallAsync(member, "GET", endpoints, 200);
        await _api.CallAsync(visitor, "GET", endpoints, 403);
        await _api.CallAsync(member, "GET", endpoints + "/event-types", 200);
        await _api.CallAsync(visitor, "GET", endpoints + "/event-types", 403);
        var (own, other) = ($"{endpoints}/{made!["id"]}", $"{endpoints}/{Unknown}");
        await _api.CallAsync(member, "GET", own, 200);
        await _api.CallAsync(member, "GET", other, 404);
        await _api.CallAsync(member, "PATCH", own, 200, new { description = "our uploader" });
        await _api.CallAsync(member, "PATCH", own, 400, new { eventTypes = (string[])["staging.eaten"] });
        await _api.CallAsync(member, "POST", own + "/rotate-secret", 200);
        await _api.CallAsync(member, "POST", other + "/rotate-secret", 404);
        var (ping, _) = await _api.CallAsync(member, "POST", own + "/ping", 202);
        await _api.CallAsync(member, "POST", other + "/ping", 404);
        await _api.CallAsync(member, "GET", own + "/deliveries?status=pending", 200);
        await _api.CallAsync(member, "GET", other + "/deliveries", 404);
        await _api.CallAsync(member, "GET", $"{own}/deliveries/{ping!["id"]}", 200);
        await _api.CallAsync(member, "GET", $"{own}/deliveries/{Unknown}", 404);
        await _api.CallAsync(member, "POST", $"{own}/deliveries/{Unknown}/replay", 404);
        await GiveUpAsync((string)ping["id"]!);
        await _api.CallAsync(member, "POST", $"{own}/deliveries/{ping["id"]}/replay", 202);
        await _api.CallAsync(member, "POST", own + "/replay-failed", 202, new { since = "2026-03-01T00:00:00Z" });
        await _api.CallAsync(member, "POST", own + "/replay-failed", 400, new { });
        await _api.CallAsync(member, "DELETE", own, 204);
        await _api.CallAsync(member, "DELETE", own, 404);
    }

    /// <summary>The first attempt has failed, and it is as if the others had.</summary>
    private async Task GiveUpAsync(string delivery)
    {
        await using var database = NpgsqlDataSource.Create(scene.Stack.AdminConnection("staging"));
        await using var failed = database.CreateCommand(
            $"update webhook_deliveries set status = 'failed', next_attempt_at = null where id = '{delivery}' and attempts > 0 and claim_id is null");
        await Eventually.Async(async () => await failed.ExecuteNonQueryAsync(Cancel) == 1, "the first attempt has been made");
    }

    private async Task CallSessionsAsync(HttpClient member)
    {
        var (sessions, _) = await _api.CallAsync(member, "GET", "/api/v1/sessions", 200);
        await _api.CallAsync(_nobody, "GET", "/api/v1/sessions", 401);
        var other = sessions!["items"]!.AsArray().First(session => !(bool)session!["current"]!)!;
        await _api.CallAsync(member, "DELETE", $"/api/v1/sessions/{other["id"]}", 204);
        await _api.CallAsync(member, "DELETE", $"/api/v1/sessions/{Unknown}", 404);
        await _api.CallAsync(_nobody, "DELETE", "/api/v1/sessions", 401, headers: headers => headers.Authorization = new("Bearer", "nothing"));
        await _api.CallAsync(member, "DELETE", "/api/v1/sessions", 204);
    }
}
