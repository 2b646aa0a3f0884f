using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary>A browser of its own, as far as the gateways can tell: one cookie, one origin. Each request goes to another gateway.</summary>
internal sealed class Visitor : IDisposable
{
    internal static readonly string SamplePhoto = Path.Combine(AppContext.BaseDirectory, "empty-room.jpg");

    private readonly TestStack _stack;
    private readonly HttpClient _http;
    private string? _cookie;

    private Visitor(TestStack stack)
    {
        _stack = stack;
        _http = new HttpClient(new GatewaysInTurn(stack.Gateways)) { BaseAddress = stack.PublicUrl };
    }

    /// <summary>Somebody new.</summary>
    internal static async Task<Visitor> ArriveAsync(TestStack stack)
    {
        var visitor = new Visitor(stack);
        (await visitor.GetAsync("/api/v1/session")).StatusCode.ShouldBe(HttpStatusCode.OK);
        return visitor;
    }

    public void Dispose() => _http.Dispose();

    internal Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    internal async Task<JsonObject> ReadAsync(string path)
    {
        using var answer = await GetAsync(path);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, path);
        return (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;
    }

    internal Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content = null, string? key = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return SendAsync(request);
    }

    /// <summary>Orders a pack and pays for it on Stripe's page; returns once the credits are there.</summary>
    internal async Task<Guid> BuyAsync(string plan)
    {
        var before = await AvailableAsync();
        var (orderId, url) = await CheckOutAsync(plan);
        using var browser = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var paid = await browser.PostAsync(new Uri(url.GetLeftPart(UriPartial.Path) + "/pay"), new FormUrlEncodedContent([]), TestContext.Current.CancellationToken);
        paid.StatusCode.ShouldBe(HttpStatusCode.SeeOther);
        await Eventually.Async(async () => await AvailableAsync() > before, "the credits have arrived");
        return orderId;
    }

    internal async Task<(Guid OrderId, Uri Url)> CheckOutAsync(string plan)
    {
        using var answer = await SendAsync(HttpMethod.Post, "/api/v1/checkout", JsonContent.Create(new { plan }));
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        var order = (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;
        return ((Guid)order["orderId"]!, new Uri((string)order["url"]!));
    }

    internal async Task<int> AvailableAsync() => (int)(await ReadAsync("/api/v1/credits"))["available"]!;

    internal async Task<HttpResponseMessage> SubmitAsync(string quality = "standard", int variations = 1, string? key = null)
    {
        var photo = new ByteArrayContent(await File.ReadAllBytesAsync(SamplePhoto, TestContext.Current.CancellationToken));
        photo.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/stagings")
        {
            Content = new MultipartFormDataContent
            {
                { photo, "photo", "room.jpg" },
                { new StringContent("living_room"), "room" },
                { new StringContent("scandinavian"), "style" },
                { new StringContent(quality), "quality" },
                { new StringContent($"{variations}"), "variations" },
            },
        };
        request.Headers.Add("Idempotency-Key", key ?? Guid.CreateVersion7().ToString());
        return await SendAsync(request);
    }

    /// <summary>Submits what must be accepted, and returns the job's id.</summary>
    internal async Task<Guid> StageAsync(string quality = "standard", int variations = 1, string? key = null)
    {
        using var answer = await SubmitAsync(quality, variations, key);
        answer.StatusCode.ShouldBe(HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return (Guid)(await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!["id"]!;
    }

    /// <summary>The job once it has ended.</summary>
    internal Task<JsonObject> EndedAsync(Guid job) => Eventually.ValueAsync(
        async () => await ReadAsync($"/api/v1/stagings/{job}") is var now && (string?)now["status"] is "succeeded" or "failed" or "canceled" ? now : null,
        $"job {job} has ended",
        TimeSpan.FromMinutes(3));

    /// <summary>Every event of a stream that ends by itself, without pings.</summary>
    internal async Task<List<SseItem<string>>> EventsAsync(string path, string? after = null)
    {
        using var answer = await OpenStreamAsync(path, after);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        var events = new List<SseItem<string>>();
        await using var stream = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            if (item.EventType != "ping")
                events.Add(item);
        }

        return events;
    }

    /// <summary>An open event stream, to be disposed.</summary>
    internal Task<HttpResponseMessage> OpenStreamAsync(string path, string? after)
    {
        var request = Prepare(new HttpRequestMessage(HttpMethod.Get, path));
        if (after is not null)
            request.Headers.Add("Last-Event-ID", after);
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    internal async Task<HttpStatusCode> StatusOfStreamAsync(string path, string after)
    {
        using var answer = await OpenStreamAsync(path, after);
        return answer.StatusCode;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        var answer = await _http.SendAsync(Prepare(request), TestContext.Current.CancellationToken);
        if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
            _cookie = cookies.Single(cookie => cookie.StartsWith("__Host-homestage=", StringComparison.Ordinal)).Split(';')[0];
        return answer;
    }

    private HttpRequestMessage Prepare(HttpRequestMessage request)
    {
        if (_cookie is not null)
            request.Headers.Add("Cookie", _cookie);
        if (request.Method != HttpMethod.Get)
            request.Headers.Add("Origin", _stack.PublicUrl.GetLeftPart(UriPartial.Authority));
        return request;
    }
}
