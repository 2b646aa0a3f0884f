using System.Collections.Concurrent;
using HomeStage.Hosting;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>
/// A service behind the gateway, as far as the gateway can tell: the real host with its real check of internal tokens, answering
/// every path with what it received.
/// </summary>
public sealed class FakeUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeUpstream(WebApplication app) => _app = app;

    /// <summary>Its address.</summary>
    public string Url => _app.Urls.First();

    /// <summary>The address where it speaks HTTP/2.</summary>
    public string StreamsUrl => _app.Urls.ElementAt(1);

    /// <summary>The address of its management listener.</summary>
    public string ManagementUrl => _app.Services.GetRequiredService<ManagementListener>().Url.AbsoluteUri;

    /// <summary>What it received, in order.</summary>
    public ConcurrentQueue<Received> Requests { get; private init; } = [];

    /// <summary>The addresses that entitlements says are blocked, by hash.</summary>
    public ConcurrentDictionary<string, DateTimeOffset?> Blocks { get; private init; } = [];

    /// <summary>The sessions and keys that entitlements says have ended.</summary>
    public ConcurrentQueue<Guid> Revoked { get; private init; } = [];

    /// <summary>How many of them an answer has; all if it does not say.</summary>
    public int? RevokedAtATime { get; set; }

    /// <summary>Starts it.</summary>
    /// <param name="name">The service's name, which it demands as audience.</param>
    /// <param name="callersFolder">Holds the gateway's public key.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="answer">Answers instead of the echo; returns false to leave it to the echo.</param>
    public static async Task<FakeUpstream> StartAsync(string name, string callersFolder, TimeProvider time, Func<HttpContext, Task<bool>>? answer = null)
    {
        var requests = new ConcurrentQueue<Received>();
        var blocks = new ConcurrentDictionary<string, DateTimeOffset?>(StringComparer.Ordinal);
        var revoked = new ConcurrentQueue<Guid>();
        FakeUpstream? upstream = null;
        var app = await ServiceHost.StartAsync(
            name,
            new Dictionary<string, string>
            {
                ["HTTP_URL"] = "http://127.0.0.1:0",
                ["MANAGEMENT_URL"] = "http://127.0.0.1:0",
                ["IDENTITY_CALLERS_DIR"] = callersFolder,
            },
            service =>
            {
                service.AddIdentity(callers: ["gateway"]);
                service.AddListener(new Uri("http://127.0.0.1:0"), HttpProtocols.Http2);
                // Asked every few seconds, whatever a test does.
                service.Map(routes => routes.MapGet("/internal/blocks", () => new { blocks = blocks.Select(block => new { addressHash = block.Key, until = block.Value }) }));
                service.Map(routes => routes.MapGet("/internal/revocations", (int after) => upstream?.RevokedAtATime is { } size
                    ? new { subjects = revoked.Skip(after).Take(size).ToArray(), next = $"{after + size}", more = after + size < revoked.Count }
                    : new { subjects = revoked.ToArray(), next = "0", more = false }));
                service.Map(routes => routes.Map("/{**path}", async (HttpContext context, Caller caller) =>
                {
                    var received = await Received.ReadAsync(context, caller);
                    requests.Enqueue(received);
                    context.Items["body"] = received.Body;
                    if (answer is null || !await answer(context))
                        await context.Response.WriteAsJsonAsync(received);
                }));
            },
            services => services.AddSingleton(time));
        return upstream = new FakeUpstream(app) { Requests = requests, Blocks = blocks, Revoked = revoked };
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>A request as an upstream saw it.</summary>
public sealed record Received(
    string Method, string Path, string Query, Dictionary<string, string> Headers, string Body, long BodyLength, string Kind, Guid AccountId, Guid? SessionId, string? AddressHash, string Issuer, bool Unproven)
{
    private const int BodyKept = 10_000;

    public static async Task<Received> ReadAsync(HttpContext context, Caller caller)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        return new Received(
            context.Request.Method,
            context.Request.Path,
            context.Request.QueryString.Value ?? "",
            context.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString(), StringComparer.Ordinal),
            body.Length > BodyKept ? body[..BodyKept] : body,
            body.Length,
            caller.Kind.ToString(),
            caller.AccountId,
            caller.SessionId,
            caller.AddressHash,
            caller.Issuer,
            caller.Unproven);
    }
}
