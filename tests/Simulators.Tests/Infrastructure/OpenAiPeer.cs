using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Simulators.OpenAI;
using Microsoft.AspNetCore.Builder;

namespace HomeStage.Simulators.Tests.Infrastructure;

/// <summary>A running simulated OpenAI and the ways to talk to it.</summary>
internal sealed class OpenAiPeer : IAsyncDisposable
{
    public const string Key = "sk-test-0123456789abcdef";

    public static readonly string Photo = Path.Combine(AppContext.BaseDirectory, "empty-room.jpg");

    private readonly WebApplication _app;

    private OpenAiPeer(WebApplication app, Uri url)
    {
        _app = app;
        Url = url;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public static async Task<OpenAiPeer> Start(int imagesPerMinute = 60_000, TimeSpan latency = default)
    {
        var url = Loopback.FreeUrl();
        var app = OpenAiSimulator.Build(new OpenAiSettings { Url = url, ApiKey = Key, Latency = latency, ImagesPerMinute = imagesPerMinute });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new OpenAiPeer(app, url);
    }

    /// <summary>One step with OpenAI's own client.</summary>
    public Task<JsonNode> Client(string step, object? parameters = null, string apiKey = Key, int maxRetries = 0, string? photo = null, string photoType = "image/jpeg") =>
        VendorClient.Run("openai.mjs", step, new { baseURL = new Uri(Url, "/v1").ToString(), apiKey, maxRetries, photo = photo ?? Photo, photoType, @params = parameters ?? new { } });

    /// <summary>One edit by plain HTTP.</summary>
    public async Task<HttpResponseMessage> Edit(params (string name, string value)[] fields)
    {
        using var form = new MultipartFormDataContent();
        var image = new ByteArrayContent(await File.ReadAllBytesAsync(Photo, TestContext.Current.CancellationToken));
        image.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        form.Add(image, "image", "room.jpg");
        foreach (var (name, value) in fields.Prepend(("prompt", "a modern bedroom")))
            form.Add(new StringContent(value), name);
        return await Http.PostAsync("/v1/images/edits", form, TestContext.Current.CancellationToken);
    }

    public async Task Queue(object fault) =>
        (await Http.PostAsJsonAsync("/control/faults", fault, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

    public async Task<JsonNode> Stats() => (await Http.GetFromJsonAsync<JsonNode>("/control/stats", TestContext.Current.CancellationToken))!;

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
