using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace HomeStage.Worker.Tests.Scene;

/// <summary>One call as the provider saw it.</summary>
internal sealed record ProviderCall(IReadOnlyDictionary<string, string> Fields, string FileName, string? FileType, byte[] File, string? Authorization)
{
    /// <summary>The pictures by the name of their field, in order.</summary>
    public required IReadOnlyList<(string Field, byte[] Bytes)> Pictures { get; init; }
}

/// <summary>Speaks OpenAI's image edits on loopback, does what a test tells it, and counts.</summary>
internal sealed class FakeProvider : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Func<HttpContext, int, Task>> _next = [];
    private readonly Lock _gate = new();
    private int _inFlight;

    private FakeProvider(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single() + "/v1";

    public ConcurrentQueue<ProviderCall> Calls { get; } = [];

    public int MostInFlight { get; private set; }

    public int InFlight
    {
        get
        {
            lock (_gate)
                return _inFlight;
        }
    }

    /// <summary>Held back until released: every call waits for it before it answers.</summary>
    public TaskCompletionSource? Hold { get; set; }

    public static async Task<FakeProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        var provider = new FakeProvider(app);
        app.MapPost("/v1/images/edits", provider.AnswerAsync);
        await app.StartAsync();
        return provider;
    }

    /// <summary>What the next call gets in place of pictures; the call is counted all the same.</summary>
    public void Next(Func<HttpContext, int, Task> answer) => _next.Enqueue(answer);

    /// <summary>The next call is refused.</summary>
    public void NextRefuses(int status, string? code = null, string? type = null, params (string Name, string Value)[] headers) => Next(async (context, _) =>
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers)
            context.Response.Headers[name] = value;
        await context.Response.WriteAsJsonAsync(new { error = new { message = "the provider's own words", type, code, param = (string?)null } });
    });

    /// <summary>The next call gets this body as a success.</summary>
    public void NextSays(string body) => Next(async (context, _) =>
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body);
    });

    /// <summary>The next call is answered with a stream of these events, with what is waited for after each; then the answer ends in order.</summary>
    public void NextStreams(params (string Type, object Data, Func<Task> After)[] events) => Next(async (context, _) =>
    {
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        await context.Response.StartAsync(context.RequestAborted);
        foreach (var (type, data, after) in events)
        {
            await context.Response.WriteAsync($"event: {type}\ndata: {System.Text.Json.JsonSerializer.Serialize(data)}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await after().WaitAsync(context.RequestAborted);
        }
    });

    public static Task WriteAsync(HttpContext context, params IEnumerable<byte[]> pictures) => context.Response.WriteAsJsonAsync(new
    {
        created = 1,
        data = pictures.Select(picture => new { b64_json = Convert.ToBase64String(picture) }),
        usage = new { input_tokens = 11, output_tokens = 22, total_tokens = 33 },
    });

    public async ValueTask DisposeAsync()
    {
        Hold?.TrySetResult();
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        lock (_gate)
            MostInFlight = Math.Max(MostInFlight, ++_inFlight);
        try
        {
            var form = await context.Request.ReadFormAsync(context.RequestAborted);
            var file = form.Files[0];
            var pictures = new List<(string, byte[])>();
            foreach (var sent in form.Files)
            {
                using var bytes = new MemoryStream();
                await sent.CopyToAsync(bytes, context.RequestAborted);
                pictures.Add((sent.Name, bytes.ToArray()));
            }

            Calls.Enqueue(new ProviderCall(
                form.ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal),
                file.FileName, file.ContentType, pictures[0].Item2, context.Request.Headers.Authorization)
            { Pictures = pictures });
            if (Hold is { } hold)
                await hold.Task.WaitAsync(context.RequestAborted);
            context.Response.Headers["x-request-id"] = "req_of_test";
            var count = int.Parse(form["n"]!);
            if (_next.TryDequeue(out var answer))
                await answer(context, count);
            else
                await WriteAsync(context, Enumerable.Repeat(Pictures.Room, count));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The worker gave up.
        }
        finally
        {
            lock (_gate)
                _inFlight--;
        }
    }
}
