using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>Why an attempt got no answer.</summary>
internal static class WebhookErrors
{
    internal const string Timeout = "timeout";
    internal const string AddressRefused = "address_refused";
    internal const string NameNotFound = "name_not_found";
    internal const string ConnectionFailed = "connection_failed";
    internal const string TlsFailed = "tls_failed";
    internal const string ProtocolError = "protocol_error";
}

/// <summary>What became of a request.</summary>
/// <param name="Outcome">Status and <c>Retry-After</c>.</param>
/// <param name="Error">One of <see cref="WebhookErrors"/> where there was no answer.</param>
/// <param name="Answer">How the answer begins.</param>
/// <param name="Duration">From the start to the answer.</param>
internal sealed record WebhookSent(WebhookOutcome Outcome, string? Error, string? Answer, TimeSpan Duration);

/// <summary>
/// Sends one request to a customer's program. What it connects to is judged by the address itself (<see cref="WebhookTargets"/>); redirects are not
/// followed, cookies not kept, proxies not used, and neither spans nor metrics of the framework tell of customers' hosts.
/// </summary>
internal sealed class WebhookSender : IDisposable
{
    /// <summary>For a whole attempt.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private const int AnswerBytes = 500;

    private readonly WebhookTargets _targets;
    private readonly TimeProvider _time;
    private readonly UnexportedMeters _meters = new();
    private readonly HttpMessageInvoker _http;

    public WebhookSender(WebhookTargets targets, TimeProvider time)
    {
        (_targets, _time) = (targets, time);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            MeterFactory = _meters,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 0,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            ConnectCallback = ConnectAsync,
        });
    }

    public void Dispose()
    {
        _http.Dispose();
        _meters.Dispose();
    }

    /// <param name="url">The endpoint.</param>
    /// <param name="id">The <c>webhook-id</c>.</param>
    /// <param name="secrets">Each signs.</param>
    /// <param name="payload">The body.</param>
    /// <param name="cancellationToken">Gives up; the attempt is then nobody's.</param>
    internal async Task<WebhookSent> SendAsync(string url, Guid id, IEnumerable<byte[]> secrets, string payload, CancellationToken cancellationToken)
    {
        var timestamp = _time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(payload)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        request.Headers.UserAgent.ParseAdd("HomeStage-Webhooks/1.0");
        request.Headers.Add("webhook-id", id.ToString());
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSecrets.Sign(secrets, id.ToString(), timestamp, payload));

        var started = Stopwatch.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            using var response = await _http.SendAsync(request, limit.Token);
            var answer = await BeginningAsync(response, limit.Token);
            return new(new((int)response.StatusCode, RetryAfterOf(response)), Error: null, answer, Stopwatch.GetElapsedTime(started));
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            return new(new(Status: null), ErrorOf(error), Answer: null, Stopwatch.GetElapsedTime(started));
        }
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await _targets.ResolveAsync(context.InitialRequestMessage.RequestUri!, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync([.. addresses], context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private TimeSpan? RetryAfterOf(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow(),
        _ => null,
    };

    // The status is the answer: a body that does not come takes nothing from it. The database takes no NUL, and people read this.
    private static async Task<string> BeginningAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var bytes = new byte[AnswerBytes];
        var read = 0;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            for (int more; read < bytes.Length && (more = await body.ReadAsync(bytes.AsMemory(read), cancellationToken)) > 0;)
                read += more;
        }
        catch (Exception error) when (error is IOException or HttpRequestException or OperationCanceledException)
        {
            // What has come so far is shown.
        }

        return string.Concat(Encoding.UTF8.GetString(bytes, 0, read).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? ' ' : letter)).Trim();
    }

    private static string ErrorOf(Exception error) => error switch
    {
        OperationCanceledException => WebhookErrors.Timeout,
        HttpRequestException { InnerException: AddressRefusedException } or AddressRefusedException => WebhookErrors.AddressRefused,
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } } => WebhookErrors.NameNotFound,
        HttpRequestException { InnerException: TimeoutException } => WebhookErrors.Timeout,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => WebhookErrors.TlsFailed,
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => WebhookErrors.ConnectionFailed,
        _ => WebhookErrors.ProtocolError,
    };

    // Each host of a customer would be a series of its own.
    private sealed class UnexportedMeters : IMeterFactory
    {
        private readonly Meter _meter = new("Unexported");

        public Meter Create(MeterOptions options) => _meter;

        public void Dispose() => _meter.Dispose();
    }
}
