using HomeStage.Hosting.Identity;
using Microsoft.Extensions.Caching.Memory;

namespace HomeStage.Gateway.Identity;

/// <summary>
/// Internal tokens, signed once a minute for each caller and upstream: a signature costs more than all the rest of a small request.
/// A token lives 120 s, so one from here is good for another minute at least.
/// </summary>
internal sealed class InternalTokens(IdentityIssuer issuer, TimeProvider time) : IDisposable
{
    /// <summary>How long a token is handed out.</summary>
    internal static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(60);

    private const int Limit = 50_000;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = Limit });

    /// <summary>A token that speaks for the caller at the audience.</summary>
    public string For(string audience, Caller caller)
    {
        var key = new Key(audience, caller.SessionId, caller.KeyId, caller.AccountId, caller.Kind, string.Join(' ', caller.Scopes), caller.AddressHash, caller.Unproven);
        var now = time.GetUtcNow();
        if (_cache.TryGetValue(key, out Issued? known) && now - known!.At < CachedFor && now >= known.At)
            return known.Token;
        var fresh = new Issued(issuer.Issue(audience, caller), now);
        _cache.Set(key, fresh, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CachedFor });
        return fresh.Token;
    }

    public void Dispose() => _cache.Dispose();

    private sealed record Issued(string Token, DateTimeOffset At);

    private sealed record Key(string Audience, Guid? Session, Guid? ApiKey, Guid Account, CallerKind Kind, string Scope, string? AddressHash, bool Unproven);
}
