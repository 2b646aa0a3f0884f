using System.Net;
using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Telemetry;
using Microsoft.Extensions.Caching.Memory;

namespace HomeStage.Gateway.Sessions;

/// <summary>What entitlements says of a session.</summary>
internal enum Registration
{
    /// <summary>It is known there, now or since lately.</summary>
    Known,

    /// <summary>It was revoked, which this gateway did not know yet.</summary>
    Ended,

    /// <summary>No answer; nothing that costs money may be done.</summary>
    Unavailable,
}

/// <summary>
/// Makes a session known to entitlements before its first use that may cost money, so that there are rows for people who do something
/// and none for crawlers. Registering twice is harmless there.
/// </summary>
internal sealed class SessionRegistry(EntitlementsClient entitlements, RegisteredSessions registered, Revocations revocations, GatewayMetrics metrics)
{
    /// <summary>Sees to it that the session is registered.</summary>
    public async Task<Registration> EnsureAsync(Session session, string userAgent, CancellationToken cancellationToken)
    {
        if (registered.Contains(session.Id))
            return Registration.Known;
        var status = await entitlements.SendAsync(
            HttpMethod.Put,
            $"/internal/sessions/{session.Id:D}",
            new { session.AccountId, Kind = session.Kind.ToString().ToLowerInvariant(), Device = Device.Of(userAgent) },
            cancellationToken);
        // 401 says that entitlements does not accept our own token, as when a key or a clock is wrong, and nothing of the session.
        var registration = status switch
        {
            >= HttpStatusCode.OK and < HttpStatusCode.MultipleChoices => Registration.Known,
            HttpStatusCode.Gone => Registration.Ended,
            _ => Registration.Unavailable,
        };
        metrics.SessionRegistered(registration == Registration.Known);
        if (registration == Registration.Known)
            registered.Add(session.Id);
        else if (registration == Registration.Ended)
            revocations.Add([session.Id]);
        return registration;
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
