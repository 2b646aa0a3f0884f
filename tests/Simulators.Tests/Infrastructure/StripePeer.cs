using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe;
using Microsoft.AspNetCore.Builder;

namespace HomeStage.Simulators.Tests.Infrastructure;

/// <summary>A running simulated Stripe and the ways to talk to it.</summary>
internal sealed class StripePeer : IAsyncDisposable
{
    public const string Key = "sk_test_0123456789abcdef";
    public const string Secret = "whsec_0123456789abcdef";

    private readonly WebApplication _app;

    private StripePeer(WebApplication app, Uri url)
    {
        _app = app;
        Url = url;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = url };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public static async Task<StripePeer> Start(Uri? webhookUrl = null, string? dataFile = null, int webhookAttempts = 20, params string[] secrets)
    {
        var url = Loopback.FreeUrl();
        var app = StripeSimulator.Build(new StripeSettings
        {
            Url = url,
            SecretKey = Key,
            WebhookSecrets = secrets.Length == 0 ? [Secret] : secrets,
            WebhookUrl = webhookUrl,
            DataFile = dataFile,
            WebhookBackoff = TimeSpan.FromMilliseconds(20),
            WebhookAttempts = webhookAttempts,
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new StripePeer(app, url);
    }

    /// <summary>One step with Stripe's own client.</summary>
    public Task<JsonNode> Client(string step, object? args = null, string apiKey = Key) =>
        VendorClient.Run("stripe.mjs", step, new { port = Url.Port, apiKey, args = args ?? new { } });

    public async Task<string> CreateSession(long amount = 2500)
    {
        var answer = await Post("/v1/checkout/sessions",
            ("mode", "payment"), ("success_url", "http://localhost:8080/done?s={CHECKOUT_SESSION_ID}"), ("cancel_url", "http://localhost:8080/plans"),
            ("client_reference_id", "order-1"), ("payment_intent_data[metadata][order]", "order-1"),
            ("line_items[0][quantity]", "1"), ("line_items[0][price_data][currency]", "usd"), ("line_items[0][price_data][unit_amount]", amount.ToString()),
            ("line_items[0][price_data][product_data][name]", "Value pack"));
        return answer["id"]!.GetValue<string>();
    }

    public async Task<HttpResponseMessage> Send(string path, string? idempotencyKey = null, params (string name, string value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.name, field.value)));
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task<JsonNode> Post(string path, params (string name, string value)[] fields)
    {
        using var answer = await Send(path, idempotencyKey: null, fields);
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(body);
        return JsonNode.Parse(body)!;
    }

    public async Task<JsonNode> Get(string path) => (await Http.GetFromJsonAsync<JsonNode>(path, TestContext.Current.CancellationToken))!;

    public async Task<JsonNode> Control(string path, object? body = null)
    {
        using var answer = await Http.PostAsJsonAsync($"/control/{path}", body, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>A click on the checkout page.</summary>
    public Task<HttpResponseMessage> Click(string session, string button) =>
        Http.PostAsync($"/c/pay/{session}/{button}", content: null, TestContext.Current.CancellationToken);

    /// <summary>Types of all events, oldest first.</summary>
    public async Task<string[]> EventTypes() =>
        [.. (await Get("/v1/events?limit=100"))["data"]!.AsArray().Select(happened => happened!["type"]!.GetValue<string>()).Reverse()];

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
