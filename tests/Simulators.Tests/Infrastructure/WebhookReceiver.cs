using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Simulators.Tests.Infrastructure;

/// <summary>One webhook as it arrived.</summary>
internal sealed record ReceivedWebhook(string Payload, string Signature)
{
    public JsonNode Event { get; } = JsonNode.Parse(Payload)!;

    public string Type => Event["type"]!.GetValue<string>();

    public string Id => Event["id"]!.GetValue<string>();
}

/// <summary>The other end of webhooks.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedWebhook> _received = [];

    private WebhookReceiver(Uri url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url.GetLeftPart(UriPartial.Authority));
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapPost("/webhooks", Receive);
        Url = new Uri(url, "/webhooks");
    }

    public Uri Url { get; }

    /// <summary>What it answers; 200 unless a test says otherwise.</summary>
    public Func<ReceivedWebhook, int> Answer { get; set; } = _ => StatusCodes.Status200OK;

    public IReadOnlyList<ReceivedWebhook> Received => [.. _received];

    public string[] Types => [.. Received.Select(webhook => webhook.Type)];

    public static async Task<WebhookReceiver> Start()
    {
        var receiver = new WebhookReceiver(Loopback.FreeUrl());
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public Task WaitFor(string type, int times = 1) =>
        Eventually.Async(() => Types.Count(received => received == type) >= times, $"{times} × {type} (so far {string.Join(", ", Types)})");

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task Receive(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var webhook = new ReceivedWebhook(await reader.ReadToEndAsync(context.RequestAborted), context.Request.Headers["Stripe-Signature"].ToString());
        context.Response.StatusCode = Answer(webhook);
        _received.Enqueue(webhook);
    }
}
