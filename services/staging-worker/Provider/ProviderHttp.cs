using System.ClientModel.Primitives;
using System.Net;
using OpenAI;

namespace HomeStage.Worker.Provider;

/// <summary>How the provider is spoken to: no retry of its own, no redirect, and a connection for each call.</summary>
internal static class ProviderHttp
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    internal static HttpClient Create() => new(new SocketsHttpHandler
    {
        ConnectTimeout = ConnectTimeout,
        AllowAutoRedirect = false,
        // A pooled connection that the provider closed meanwhile would fail after sending, or be sent on twice.
        PooledConnectionLifetime = TimeSpan.Zero,
        AutomaticDecompression = DecompressionMethods.All,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    internal static OpenAIClientOptions Options(WorkerSettings settings, HttpClient http, TimeSpan timeout) => new()
    {
        Endpoint = settings.ProviderUrl,
        Transport = new HttpClientPipelineTransport(http),
        RetryPolicy = new ClientRetryPolicy(maxRetries: 0),
        NetworkTimeout = timeout,
    };
}
