using System.Net.Http.Json;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace HomeStage.Billing.Tests.Support;

/// <summary>The Stripe simulator as a process, and billing beside it; the test hands webhooks on as the gateway does.</summary>
internal sealed class SimulatedStripe : IAsyncDisposable
{
    private readonly ServiceProcess _process;
    private readonly WebApplication _forwarder;
    private readonly HttpClient _control;

    private SimulatedStripe(ServiceProcess process, WebApplication forwarder, HttpClient control, BillingApp app) =>
        (_process, _forwarder, _control, App) = (process, forwarder, control, app);

    public BillingApp App { get; }

    /// <summary>While set, no webhook reaches billing.</summary>
    public bool Deaf { get; set; }

    public static async Task<SimulatedStripe> StartAsync(TestServers servers)
    {
        var (url, forwarderUrl) = ($"http://127.0.0.1:{FreePorts.Next()}", $"http://127.0.0.1:{FreePorts.Next()}");
        var process = await ServiceProcess.StartAsync(
            "simulators",
            new Dictionary<string, string>(),
            "stripe", "--url", url, "--secret-key", BillingApp.SecretKey, "--webhook-secret", BillingApp.WebhookSecret, "--webhook-url", $"{forwarderUrl}/webhooks/stripe");
        await process.UntilReadyAsync(url);
        var app = await BillingApp.StartAsync(servers, new Dictionary<string, string> { ["STRIPE_API_URL"] = url });
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var forwarder = builder.Build();
        SimulatedStripe? simulated = null;
        forwarder.Urls.Add(forwarderUrl);
        forwarder.MapPost("/webhooks/stripe", async (HttpRequest request) =>
        {
            if (simulated is { Deaf: true })
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            using var answer = await app.DeliverAsync(body.ToArray(), signature: request.Headers["Stripe-Signature"].ToString());
            return Results.StatusCode((int)answer.StatusCode);
        });
        await forwarder.StartAsync(TestContext.Current.CancellationToken);
        return simulated = new SimulatedStripe(process, forwarder, new HttpClient { BaseAddress = new Uri(url) }, app);
    }

    /// <summary>Does what a customer, a bank or time does to a session: pay, pay-later, succeed, fail, expire.</summary>
    public async Task ActAsync(PlacedOrder order, string action)
    {
        using var answer = await _control.PostAsync($"/control/checkout/{order.SessionId}/{action}", content: null, TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Asks the simulator's control for something, e.g. <c>refunds</c>; gives its id.</summary>
    public async Task<string> OrderAsync(string path, object? body = null)
    {
        using var answer = await _control.PostAsJsonAsync($"/control/{path}", body ?? new { }, TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (string)(await BillingApp.BodyAsync(answer))["id"]!;
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        await _process.DisposeAsync();
        await _forwarder.DisposeAsync();
        await App.DisposeAsync();
    }
}
