using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Demo;

/// <summary>
/// The public API as a web client sees it. The cookie is kept in the data folder and set by hand: its <c>__Host-</c> prefix
/// wants HTTPS, which browsers waive for localhost and .NET's cookie container does not.
/// </summary>
internal sealed class GatewayClient : IDisposable
{
    private const string CookieName = "__Host-homestage";
    private readonly HttpClient _client;
    private readonly string _origin;
    private readonly string _sessionFile;
    private string? _cookie;

    public GatewayClient(Place place)
    {
        _origin = place.Url;
        _sessionFile = place.SessionFile;
        _cookie = File.Exists(_sessionFile) ? File.ReadAllText(_sessionFile).Trim() : null;
        // No time limit: a stream of events is open as long as the picture takes; each request has its own.
        _client = new HttpClient(Handler(place)) { BaseAddress = new Uri(place.Url), Timeout = Timeout.InfiniteTimeSpan };
    }

    public void Dispose() => _client.Dispose();

    public Task<JsonObject> GetAsync(string path, CancellationToken cancel) => JsonAsync(new(HttpMethod.Get, path), cancel);

    public Task<JsonObject> PostAsync(string path, HttpContent content, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        return JsonAsync(request, cancel);
    }

    public Task<JsonObject> PutAsync(string path, CancellationToken cancel) => JsonAsync(new HttpRequestMessage(HttpMethod.Put, path), cancel);

    public async Task<(byte[] Bytes, string MediaType)> DownloadAsync(string path, CancellationToken cancel)
    {
        using var answer = await SendAsync(new(HttpMethod.Get, path), HttpCompletionOption.ResponseContentRead, cancel);
        return (await answer.Content.ReadAsByteArrayAsync(cancel), answer.Content.Headers.ContentType?.MediaType ?? "");
    }

    /// <summary>The events of a stream until it ends. <paramref name="after"/> is the id of the last one seen.</summary>
    public async IAsyncEnumerable<SseItem<JsonNode?>> EventsAsync(string path, string? after, [EnumeratorCancellation] CancellationToken cancel)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Accept", "text/event-stream" } } };
        if (after is not null)
            request.Headers.Add("Last-Event-ID", after);
        using var answer = await SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        await using var stream = await answer.Content.ReadAsStreamAsync(cancel);
        var parser = SseParser.Create(stream, (_, data) => data.IsEmpty ? null : JsonNode.Parse(data));
        await foreach (var item in parser.EnumerateAsync(cancel))
            yield return item;
    }

    private static SocketsHttpHandler Handler(Place place)
    {
        var handler = new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false };
        if (place.Url.StartsWith("https:", StringComparison.Ordinal) && place.Certificate is { } certificate)
        {
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                CustomTrustStore = { X509Certificate2.CreateFromPem(File.ReadAllText(certificate)) },
            };
        }
        return handler;
    }

    private async Task<JsonObject> JsonAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limited.CancelAfter(TimeSpan.FromMinutes(1));
        using var answer = await SendAsync(request, HttpCompletionOption.ResponseContentRead, limited.Token);
        return await answer.Content.ReadFromJsonAsync<JsonObject>(cancel)
            ?? throw new ToolException($"The gateway's answer to {request.Method} {request.RequestUri} is empty.");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, HttpCompletionOption completion, CancellationToken cancel)
    {
        if (_cookie is not null)
            request.Headers.Add("Cookie", $"{CookieName}={_cookie}");
        if (request.Method != HttpMethod.Get)
            request.Headers.Add("Origin", _origin);
        var answer = await _client.SendAsync(request, completion, cancel);
        KeepCookie(answer);
        if (answer.IsSuccessStatusCode)
            return answer;
        using (answer)
            throw await RefusalAsync(request, answer, cancel);
    }

    private void KeepCookie(HttpResponseMessage answer)
    {
        if (!answer.Headers.TryGetValues("Set-Cookie", out var cookies)
            || cookies.FirstOrDefault(cookie => cookie.StartsWith(CookieName + "=", StringComparison.Ordinal)) is not { } cookie)
            return;
        _cookie = cookie.Split(';')[0][(CookieName.Length + 1)..];
        PrivateFile.Write(_sessionFile, _cookie);
    }

    /// <summary>Problem details as one sentence.</summary>
    private static async Task<ToolException> RefusalAsync(HttpRequestMessage request, HttpResponseMessage answer, CancellationToken cancel)
    {
        JsonNode? problem = null;
        try
        {
            problem = JsonNode.Parse(await answer.Content.ReadAsStringAsync(cancel));
        }
        catch (JsonException)
        {
            // Not one of our answers: the status has to do.
        }
        var reason = problem is JsonObject ? (string?)problem["detail"] ?? (string?)problem["title"] : null;
        var code = problem is JsonObject ? (string?)problem["code"] : null;
        var advice = answer.StatusCode switch
        {
            HttpStatusCode.TooManyRequests => $" Try again in {answer.Headers.RetryAfter?.Delta?.TotalSeconds ?? 60:0} s.",
            HttpStatusCode.PaymentRequired => " Buy credits on the page, or run the demo with another --data.",
            >= HttpStatusCode.InternalServerError => " The services' logs are in the data folder's logs/.",
            _ => "",
        };
        var failures = problem is JsonObject && problem["errors"] is JsonObject errors ? " " + errors.ToJsonString() : "";
        return new ToolException($"{request.Method} {request.RequestUri} was refused with {(int)answer.StatusCode}{(code is null ? "" : $" {code}")}: {reason ?? answer.ReasonPhrase}{failures}{advice}");
    }
}
