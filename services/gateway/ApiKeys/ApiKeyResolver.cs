using System.Net;
using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Identity;
using Microsoft.Extensions.Caching.Memory;

namespace HomeStage.Gateway.ApiKeys;

/// <summary>
/// Whose an API key is. Entitlements knows; what it says is kept for 30 s, a revocation is pushed. A key that there is not is remembered, too,
/// and counted by address, so that guessing costs entitlements nothing. Only the key's SHA-256 leaves this process.
/// </summary>
internal sealed class ApiKeyResolver(IServiceProvider services, Revocations revocations, KeyUsage usage, TimeProvider time) : IDisposable
{
    /// <summary>How long an answer is believed.</summary>
    internal static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(30);

    /// <summary>In which misses are counted by address.</summary>
    internal static readonly TimeSpan MissWindow = TimeSpan.FromMinutes(1);

    /// <summary>Unknown keys from one address in a window, before none is looked up any more.</summary>
    internal const int MostMisses = 30;

    private const int Limit = 50_000;

    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = Limit });
    private readonly MemoryCache _misses = new(new MemoryCacheOptions { SizeLimit = Limit });

    /// <summary>The program behind a key, or why there is none.</summary>
    public async ValueTask<(ProgramCaller? Program, CredentialFailure? Failure)> ResolveAsync(string key, string addressHash)
    {
        if (!ApiKeyText.IsWellFormed(key))
            return (null, CredentialFailure.Invalid);
        if (!revocations.Loaded)
            return (null, CredentialFailure.Unavailable);
        var hash = Convert.ToHexStringLower(ApiKeyText.HashOf(key));
        var now = time.GetUtcNow();
        if (!_answers.TryGetValue(hash, out Answered? known) || now - known!.At >= CachedFor)
        {
            var misses = MissesOf(addressHash, now);
            if (misses.Count >= MostMisses)
                return (null, CredentialFailure.TooManyMisses);
            // Not cut off by whoever asked: a guess counts, also of somebody who does not wait for the answer.
            var answer = await services.GetRequiredService<EntitlementsClient>()
                .SendAsync<Resolved>(HttpMethod.Post, "/internal/api-keys/resolve", new { Hash = hash }, CancellationToken.None);
            if (answer.Value is null && answer.Status != HttpStatusCode.NotFound)
                return (null, CredentialFailure.Unavailable);
            if (answer.Value is null)
                Interlocked.Increment(ref misses.Count);
            known = new Answered(answer.Value, now);
            _answers.Set(hash, known, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CachedFor });
        }

        if (known.Key is not { } found || revocations.Contains(found.KeyId) || found.ExpiresAt <= now)
            return (null, CredentialFailure.Invalid);
        usage.Count(found.KeyId);
        return (new ProgramCaller(found.AccountId, found.KeyId, found.Scopes, found.RequestsPerMinute, found.ExpiresAt), null);
    }

    public void Dispose()
    {
        _answers.Dispose();
        _misses.Dispose();
    }

    private Misses MissesOf(string addressHash, DateTimeOffset now)
    {
        if (_misses.TryGetValue(addressHash, out Misses? counted) && now - counted!.Since < MissWindow)
            return counted;
        return _misses.Set(addressHash, new Misses { Since = now }, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = MissWindow });
    }

    private sealed record Resolved(Guid KeyId, Guid AccountId, IReadOnlyList<string> Scopes, int? RequestsPerMinute, DateTimeOffset? ExpiresAt);

    private sealed record Answered(Resolved? Key, DateTimeOffset At);

    private sealed class Misses
    {
        internal required DateTimeOffset Since { get; init; }

        internal int Count;
    }
}
