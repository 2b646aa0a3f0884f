using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace HomeStage.Staging.Tests.WebhookEndpoints;

/// <summary>A delivery as it arrived.</summary>
internal sealed record Received(string Path, string Id, string Timestamp, string Signature, string Payload, IReadOnlyDictionary<string, string> Headers)
{
    internal JsonNode Body { get; } = JsonNode.Parse(Payload)!;

    internal string Type => (string)Body["type"]!;
}

/// <summary>A customer's program on loopback.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Received> _received = new();

    private Receiver(string url)
    {
        Url = url;
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.MapPost("/{**path}", ReceiveAsync);
    }

    internal string Url { get; }

    /// <summary>What it answers; 204 unless a test says otherwise.</summary>
    internal Func<HttpContext, Task> Answer { get; set; } = Status(204);

    internal IReadOnlyList<Received> All => [.. _received];

    internal static Func<HttpContext, Task> Status(int status) => context =>
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    };

    internal static async Task<Receiver> StartAsync()
    {
        var receiver = new Receiver($"http://127.0.0.1:{FreePorts.Next()}");
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>Waits for so many deliveries of a path.</summary>
    internal async Task<IReadOnlyList<Received>> UntilAsync(int count, string path = "/")
    {
        await Eventually.Async(() => At(path).Count >= count, $"{count} deliveries at {path} (so far {string.Join(", ", All.Select(one => one.Path + " " + one.Type))})");
        return At(path);
    }

    internal IReadOnlyList<Received> At(string path) => [.. _received.Where(one => one.Path == path)];

    private async Task ReceiveAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var headers = context.Request.Headers;
        _received.Enqueue(new(
            context.Request.Path, headers["webhook-id"]!, headers["webhook-timestamp"]!, headers["webhook-signature"]!, await reader.ReadToEndAsync(context.RequestAborted),
            headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString(), StringComparer.Ordinal)));
        await Answer(context);
    }
}

/// <summary>One running service that may call receivers on loopback, for all tests of a class.</summary>
public sealed class ReceiverFixture(TestServers servers) : IAsyncLifetime
{
    private StagingApp? _app;

    internal StagingApp App => _app!;

    public async ValueTask InitializeAsync() => _app = await StagingApp.StartAsync(servers, callsLoopback: true);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}
