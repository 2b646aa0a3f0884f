using System.Security.Cryptography;
using HomeStage.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Billing.Tests.Support;

/// <summary>The services that may call billing, with their keys; anybody else signs with a key of its own.</summary>
internal sealed class TestCallers : IDisposable
{
    private readonly Dictionary<string, ECDsa> _keys = new(StringComparer.Ordinal);

    /// <summary>Makes the keys and lays their public halves out as <c>IDENTITY_CALLERS_DIR</c>.</summary>
    public TestCallers(TemporaryFolder folder)
    {
        foreach (var caller in new[] { "gateway", "entitlements", "staging-worker" })
        {
            _keys[caller] = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            File.WriteAllText(folder.File(caller + ".pem"), _keys[caller].ExportSubjectPublicKeyInfoPem());
        }
    }

    public string Token(string issuer, Guid account, string kind, DateTimeOffset at)
    {
        var now = at.UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer,
            Audience = "billing",
            IssuedAt = now,
            NotBefore = now,
            Expires = now.AddSeconds(120),
            Claims = new Dictionary<string, object>(StringComparer.Ordinal) { ["sub"] = account.ToString(), ["kind"] = kind, ["iph"] = "hash-of-address" },
            SigningCredentials = new SigningCredentials(new ECDsaSecurityKey(_keys[issuer]), SecurityAlgorithms.EcdsaSha256),
        });
    }

    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
    }
}
