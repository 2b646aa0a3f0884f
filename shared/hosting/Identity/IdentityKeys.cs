using System.Security.Cryptography;
using HomeStage.Hosting.Configuration;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Identity;

/// <summary>This service's signing key, and the public keys of the services that may call it.</summary>
internal sealed class IdentityKeys(ECDsaSecurityKey? own, IReadOnlyDictionary<string, IReadOnlyList<ECDsaSecurityKey>> callers)
{
    /// <summary>Signs what this service sends; null for one that only receives.</summary>
    internal ECDsaSecurityKey? Own => own;

    /// <summary>The keys of a caller: two at once while one is being rotated; none for a stranger.</summary>
    internal IReadOnlyList<ECDsaSecurityKey> Of(string caller) => callers.TryGetValue(caller, out var keys) ? keys : [];

    /// <summary>Reads <c>IDENTITY_KEY</c> where the service calls others, and <c>IDENTITY_CALLERS_DIR</c> where others call it.</summary>
    internal static IdentityKeys Read(Settings settings, bool calls, IReadOnlyCollection<string> callers)
    {
        ECDsaSecurityKey? own = null;
        if (calls)
        {
            var pem = settings.Required("IDENTITY_KEY", "this service's private key, PEM, PKCS #8, curve P-256");
            own = pem == "missing" ? null : Import(settings, "IDENTITY_KEY", pem);
        }

        var known = new Dictionary<string, IReadOnlyList<ECDsaSecurityKey>>(StringComparer.Ordinal);
        var folder = callers.Count == 0 ? "" : settings.Folder("IDENTITY_CALLERS_DIR", "the folder with the public keys of its callers, <caller>.pem");
        if (!Directory.Exists(folder))
            return new IdentityKeys(own, known);
        foreach (var caller in callers)
        {
            var files = Directory.GetFiles(folder, caller + "*.pem")
                .Where(file => Path.GetFileName(file).Split('.')[0] == caller).Order(StringComparer.Ordinal).ToArray();
            if (files.Length == 0)
                settings.Refuse("IDENTITY_CALLERS_DIR", $"has no key of {caller}: put its public key there as {caller}.pem");
            known[caller] = [.. files.Select(file => Import(settings, "IDENTITY_CALLERS_DIR", File.ReadAllText(file))).OfType<ECDsaSecurityKey>()];
        }

        return new IdentityKeys(own, known);
    }

    private static ECDsaSecurityKey? Import(Settings settings, string name, string pem)
    {
        try
        {
            // Lives as long as the process.
            var key = ECDsa.Create();
            key.ImportFromPem(pem);
            if (key.KeySize != 256)
                settings.Refuse(name, "must be a key on the curve P-256");
            return new ECDsaSecurityKey(key) { KeyId = Base64UrlEncoder.Encode(SHA256.HashData(key.ExportSubjectPublicKeyInfo())[..12]) };
        }
        catch (Exception error) when (error is ArgumentException or CryptographicException)
        {
            settings.Refuse(name, "is not a PEM key on the curve P-256");
            return null;
        }
    }
}
