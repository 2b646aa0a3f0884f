using HomeStage.Gateway.Telemetry;
using Microsoft.Extensions.Caching.Memory;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// Makes a session known to entitlements before its first use that may cost money, so that there are rows for people who do something
/// and none for crawlers. Registering twice is harmless there.
/// </summary>
internal sealed partial class SessionRegistry(HttpClient entitlements, RegisteredSessions registered, GatewayMetrics metrics, ILogger<SessionRegistry> logger)
{
    /// <summary>Whether the session is registered, now or before; false if entitlements is away.</summary>
    public async Task<bool> EnsureAsync(Session session, string userAgent, CancellationToken cancellationToken)
    {
        if (registered.Contains(session.Id))
            return true;
        var succeeded = await RegisterAsync(session, userAgent, cancellationToken);
        metrics.SessionRegistered(succeeded);
        if (succeeded)
            registered.Add(session.Id);
        return succeeded;
    }

    private async Task<bool> RegisterAsync(Session session, string userAgent, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await entitlements.PutAsJsonAsync(
                $"/internal/sessions/{session.Id:D}", new Registration(session.AccountId, session.Kind.ToString().ToLowerInvariant(), Device.Of(userAgent)), cancellationToken);
            if (!answer.IsSuccessStatusCode)
                Log.Refused(logger, (int)answer.StatusCode);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception error) when (error is HttpRequestException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.Away(logger, error);
            return false;
        }
    }

    private sealed record Registration(Guid AccountId, string Kind, string Device);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Entitlements did not answer the registration of a session", EventName = "session_registration_failed")]
        public static partial void Away(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Entitlements answered the registration of a session with {status}", EventName = "session_registration_refused")]
        public static partial void Refused(ILogger logger, int status);
    }
}

/// <summary>
/// Which sessions this replica has registered. Bounded; forgetting costs one more registration. An hour's life lets entitlements see
/// that a session is still in use.
/// </summary>
internal sealed class RegisteredSessions : IDisposable
{
    private const int Limit = 100_000;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = Limit });

    internal bool Contains(Guid session) => _cache.TryGetValue(session, out _);

    internal void Add(Guid session) =>
        _cache.Set(session, true, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = TimeSpan.FromHours(1) });

    public void Dispose() => _cache.Dispose();
}
