using System.Net;
using System.Text.Json;

namespace HomeStage.Gateway.Entitlements;

/// <summary>The gateway's own calls to entitlements: who somebody is, and what ended.</summary>
internal sealed partial class EntitlementsClient(HttpClient http, ILogger<EntitlementsClient> logger)
{
    /// <summary>For one call; nobody waits longer to be identified.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>Sends a call and reads its answer; one that does not come, or tells of trouble there, is <see cref="Answer{T}.IsAway"/>.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">Below <c>/internal</c>, without ids of people in clear: paths may be logged.</param>
    /// <param name="body">As JSON; null for none.</param>
    /// <param name="cancellationToken">The client left.</param>
    public async Task<Answer<T>> SendAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            using var answer = await http.SendAsync(request, cancellationToken);
            if (answer.StatusCode >= HttpStatusCode.InternalServerError)
            {
                Log.Trouble(logger, (int)answer.StatusCode);
                return default;
            }

            return answer.IsSuccessStatusCode && answer.StatusCode != HttpStatusCode.NoContent
                ? new(answer.StatusCode, await answer.Content.ReadFromJsonAsync<T>(cancellationToken))
                : new(answer.StatusCode, null);
        }
        catch (Exception error) when (error is HttpRequestException or JsonException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.Away(logger, error);
            return default;
        }
    }

    /// <summary>As <see cref="SendAsync{T}"/>, where the status is the whole answer.</summary>
    public async Task<HttpStatusCode?> SendAsync(HttpMethod method, string path, object body, CancellationToken cancellationToken) =>
        (await SendAsync<object>(method, path, body, cancellationToken)).Status;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Entitlements did not answer", EventName = "entitlements_away")]
        public static partial void Away(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Entitlements answered {status}", EventName = "entitlements_in_trouble")]
        public static partial void Trouble(ILogger logger, int status);
    }
}

/// <summary>What entitlements answered.</summary>
/// <param name="Status">Null if it did not answer, or could not.</param>
/// <param name="Value">The body of a success.</param>
internal readonly record struct Answer<T>(HttpStatusCode? Status, T? Value)
    where T : class
{
    internal bool IsAway => Status is null;
}
