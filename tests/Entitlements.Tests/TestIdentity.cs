using System.Security.Cryptography;
using HomeStage.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Entitlements.Tests;

/// <summary>Keys and tokens of the services that call this one.</summary>
internal sealed class TestIdentity : IDisposable
{
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly Dictionary<string, ECDsa> _keys;
    private readonly TemporaryFolder _folder = new();
    private readonly TimeProvider _time;

    internal TestIdentity(TimeProvider time, params string[] callers)
    {
        _time = time;
        _keys = callers.ToDictionary(caller => caller, _ => ECDsa.Create(ECCurve.NamedCurves.nistP256), StringComparer.Ordinal);
        foreach (var (caller, key) in _keys)
            File.WriteAllText(_folder.File(caller + ".pem"), key.ExportSubjectPublicKeyInfoPem());
    }

    internal string CallersFolder => _folder.FullPath;

    /// <summary>The key that the service itself signs with.</summary>
    internal string OwnKey { get; } = NewKey();

    public void Dispose()
    {
        _folder.Dispose();
        foreach (var key in _keys.Values)
            key.Dispose();
    }

    internal string ServiceToken(string service, TimeProvider? time = null) => Token(service, Guid.Empty, "service", addressHash: null, time ?? _time);

    internal string GatewayToken(Guid account, string kind, string? addressHash, Guid? session = null) => Token("gateway", account, kind, addressHash, _time, session);

    private static string NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private string Token(string issuer, Guid account, string kind, string? addressHash, TimeProvider time, Guid? session = null)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = account.ToString(), ["kind"] = kind };
        if (addressHash is not null)
            claims["iph"] = addressHash;
        if (session is { } id)
            claims["sid"] = id.ToString();
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = EntitlementsService.Name,
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddSeconds(120),
            Claims = claims,
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(_keys[issuer]), SecurityAlgorithms.EcdsaSha256),
        });
    }
}
