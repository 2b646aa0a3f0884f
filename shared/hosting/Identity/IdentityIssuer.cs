using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Identity;

/// <summary>Signs internal tokens: ES256, 120 s, issuer = this service, audience = the service called.</summary>
public sealed class IdentityIssuer
{
    /// <summary>How long a token is valid.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(120);

    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials _credentials;
    private readonly string _issuer;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Until)> _own = new(StringComparer.Ordinal);

    internal IdentityIssuer(string issuer, ECDsaSecurityKey key, TimeProvider time)
    {
        _issuer = issuer;
        _time = time;
        _credentials = new SigningCredentials(key, SecurityAlgorithms.EcdsaSha256);
    }

    /// <summary>A token that speaks for <paramref name="caller"/>; its <see cref="Caller.Issuer"/> is replaced by this service.</summary>
    /// <param name="audience">The service that is called.</param>
    /// <param name="caller">On whose behalf.</param>
    public string Issue(string audience, Caller caller)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = caller.AccountId.ToString("D", CultureInfo.InvariantCulture),
            ["kind"] = caller.Kind.ToString().ToLowerInvariant(),
        };
        if (caller.SessionId is { } session)
            claims["sid"] = session.ToString("D", CultureInfo.InvariantCulture);
        if (caller.KeyId is { } key)
            claims["key"] = key.ToString("D", CultureInfo.InvariantCulture);
        if (caller.AddressHash is { } hash)
            claims["iph"] = hash;
        if (caller.Unproven)
            claims["unproven"] = "true";
        if (caller.Scopes.Count > 0)
            claims["scope"] = string.Join(' ', caller.Scopes);
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = _issuer,
            Audience = audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = now + Lifetime,
            Claims = claims,
            SigningCredentials = _credentials,
        });
    }

    /// <summary>A token for a call that this service makes on its own behalf; the same one for half of its life.</summary>
    public string IssueForSelf(string audience)
    {
        var now = _time.GetUtcNow();
        if (_own.TryGetValue(audience, out var known) && now < known.Until)
            return known.Token;
        var token = Issue(audience, new Caller { Issuer = _issuer, AccountId = Guid.Empty, Kind = CallerKind.Service });
        _own[audience] = (token, now + (Lifetime / 2));
        return token;
    }
}
