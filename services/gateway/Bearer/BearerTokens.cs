using System.Security.Cryptography;
using System.Text;
using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.SignIn;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.Bearer;

/// <summary>
/// Access tokens of the providers that name an audience for our API (RFC 9068, RFC 8725): signed RS256 or ES256 with a key of the provider,
/// issued by it, for that audience, alive. An id token is none: it is meant for the sign-in, and carries what only id tokens carry.
/// </summary>
internal sealed class BearerTokens(Providers providers, IServiceProvider services, TimeProvider time) : IDisposable
{
    /// <summary>What a token may allow, as scopes of the same names; others are none of ours.</summary>
    internal static readonly string[] KnownScopes = ["stagings:write", "stagings:read", "credits:read", "webhooks:write", "webhooks:read"];

    private const int Limit = 20_000;
    private const int LongestSubject = 255;

    private static readonly TimeSpan CachedFor = TimeSpan.FromSeconds(60);
    private static readonly string[] OfIdTokensAlone = ["nonce", "at_hash", "c_hash", "s_hash"];

    private readonly MemoryCache _validated = new(new MemoryCacheOptions { SizeLimit = Limit });

    /// <summary>The program behind a token, or why there is none.</summary>
    public async ValueTask<(ProgramCaller? Program, CredentialFailure? Failure)> ValidateAsync(string token, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
        if (_validated.TryGetValue(hash, out Validated? known) && now - known!.At < CachedFor)
            return known.Program.EndsAt > now ? (known.Program, null) : (null, CredentialFailure.Invalid);

        if (Parse(token) is not { } parsed || providers.ForBearer(parsed.Issuer) is not { } provider)
            return (null, CredentialFailure.Invalid);
        TokenChecks checks;
        try
        {
            checks = await provider.ChecksAsync(parsed.Kid, cancellationToken);
        }
        catch (ProviderUnavailableException)
        {
            return (null, CredentialFailure.Unavailable);
        }

        var claims = await checks.ValidateAsync(token, provider.Settings.Audience!);
        if (claims is null || OfIdTokensAlone.Any(claims.HasClaim) || claims.Subject is not { Length: > 0 and <= LongestSubject })
            return (null, CredentialFailure.Invalid);
        var answer = await services.GetRequiredService<EntitlementsClient>().SendAsync<Resolved>(
            HttpMethod.Post, "/internal/identities/resolve", new { claims.Issuer, claims.Subject }, cancellationToken);
        if (answer.Value is not { } account)
            return (null, CredentialFailure.Unavailable);
        var program = new ProgramCaller(account.AccountId, KeyId: null, ScopesOf(claims), RequestsPerMinute: null, new DateTimeOffset(claims.ValidTo, TimeSpan.Zero));
        _validated.Set(hash, new Validated(program, now), new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CachedFor });
        return (program, null);
    }

    public void Dispose() => _validated.Dispose();

    private static JsonWebToken? Parse(string token)
    {
        try
        {
            return new JsonWebToken(token);
        }
        catch (Exception error) when (error is ArgumentException or SecurityTokenException)
        {
            return null;
        }
    }

    // "scope" is one text with spaces (RFC 8693), "scp" what Entra calls it.
    private static string[] ScopesOf(JsonWebToken token) =>
        [.. token.Claims.Where(claim => claim.Type is "scope" or "scp").SelectMany(claim => claim.Value.Split(' ')).Intersect(KnownScopes, StringComparer.Ordinal)];

    private sealed record Resolved(Guid AccountId);

    private sealed record Validated(ProgramCaller Program, DateTimeOffset At);
}

internal static class JsonWebTokenClaims
{
    internal static bool HasClaim(this JsonWebToken token, string name) => token.TryGetPayloadValue<object>(name, out _);
}
