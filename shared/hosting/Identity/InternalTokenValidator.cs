using System.Security.Claims;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Identity;

/// <summary>
/// Says whom an internal token speaks for: ES256 by a known caller's key, for this service, unexpired (skew 30 s). The rules follow
/// RFC 8725: the algorithm is fixed, the key belongs to the issuer, the audience is checked. Callers send a token many times, so one that
/// was found good is remembered; its lifetime is looked at each time.
/// </summary>
internal sealed class InternalTokenValidator(IdentityKeys keys, ServiceAudience audience, TimeProvider time) : IDisposable
{
    private const int Limit = 10_000;
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);
    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false };

    private readonly MemoryCache _good = new(new MemoryCacheOptions { SizeLimit = Limit });

    /// <summary>Whom the token speaks for; null if it is not a good one.</summary>
    internal async ValueTask<ClaimsPrincipal?> ValidateAsync(string text)
    {
        if (!_good.TryGetValue(text, out Good? good))
        {
            good = await ReadAsync(text);
            if (good is not null && IsAlive(good.NotBefore, good.Expires))
                _good.Set(text, good, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = IdentityIssuer.Lifetime });
        }

        return good is not null && IsAlive(good.NotBefore, good.Expires) ? good.Principal : null;
    }

    public void Dispose() => _good.Dispose();

    private bool IsAlive(DateTime notBefore, DateTime expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return now < expires + Skew && now >= notBefore - Skew;
    }

    private async Task<Good?> ReadAsync(string text)
    {
        if (!Handler.CanReadToken(text))
            return null;
        JsonWebToken token;
        try
        {
            token = Handler.ReadJsonWebToken(text);
        }
        catch (Exception error) when (error is ArgumentException or SecurityTokenException)
        {
            return null;
        }

        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = token.Issuer,
            ValidAudience = audience.Name,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeys = keys.Of(token.Issuer),
            RequireSignedTokens = true,
            // The lifetime is checked at every use; without an end there is none.
            ValidateLifetime = false,
        });
        // A time that the token does not state reads as DateTime.MinValue.
        return result.IsValid && token.ValidTo != DateTime.MinValue
            ? new Good(new ClaimsPrincipal(result.ClaimsIdentity), token.ValidFrom == DateTime.MinValue ? DateTime.UnixEpoch : token.ValidFrom, token.ValidTo)
            : null;
    }

    private sealed record Good(ClaimsPrincipal Principal, DateTime NotBefore, DateTime Expires);
}
