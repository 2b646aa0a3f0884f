using System.Security.Cryptography;
using HomeStage.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Staging.Tests;

/// <summary>Keys and tokens of staging-api and of those that call it.</summary>
internal sealed class TestIdentity : IDisposable
{
    private readonly JsonWebTokenHandler _handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly Dictionary<string, ECDsa> _keys = new(StringComparer.Ordinal);
    private readonly TemporaryFolder _folder = new();
    private readonly TimeProvider _time;

    internal TestIdentity(TimeProvider time)
    {
        _time = time;
        foreach (var service in (string[])["gateway", "staging-worker", "staging-api"])
        {
            _keys[service] = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            File.WriteAllText(_folder.File(service + ".pem"), _keys[service].ExportSubjectPublicKeyInfoPem());
        }
    }

    internal string CallersFolder => _folder.FullPath;

    internal string KeyOf(string service) => _keys[service].ExportPkcs8PrivateKeyPem();

    public void Dispose()
    {
        _folder.Dispose();
        foreach (var key in _keys.Values)
            key.Dispose();
    }

    internal string Token(string issuer, Guid account, string kind, string? addressHash = null, bool unproven = false)
    {
        var now = _time.GetUtcNow().UtcDateTime;
        var claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = account.ToString(), ["kind"] = kind };
        if (addressHash is not null)
            claims["iph"] = addressHash;
        if (unproven)
            claims["unproven"] = "true";
        // A program's key has the account's id here, so that a test knows it.
        if (kind == "key")
            claims["key"] = account.ToString();
        return _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = "staging-api",
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddSeconds(120),
            Claims = claims,
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(_keys[issuer]), SecurityAlgorithms.EcdsaSha256),
        });
    }
}
