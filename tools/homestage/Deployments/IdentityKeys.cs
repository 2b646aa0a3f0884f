using System.Security.Cryptography;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>
/// Each service's key for internal identity tokens (EC P-256), and for each service the public keys of those that may call it.
/// The table is the whole of who may call whom.
/// </summary>
public static class IdentityKeys
{
    /// <summary>Callers by the service they call.</summary>
    public static IReadOnlyDictionary<string, string[]> CallersOf { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["gateway"] = [],
        ["billing"] = ["gateway", "entitlements"],
        ["entitlements"] = ["gateway", "staging-api"],
        ["staging-api"] = ["gateway", "staging-worker"],
        ["staging-worker"] = [],
    };

    /// <summary><c>IDENTITY_KEY_FILE</c> of a service.</summary>
    public static string KeyFile(string folder, string service) => Path.Combine(folder, service, "key.pem");

    /// <summary><c>IDENTITY_CALLERS_DIR</c> of a service.</summary>
    public static string CallersFolder(string folder, string service) => Path.Combine(folder, service, "callers");

    /// <summary>Makes the keys that are not there yet and lays out the callers' public keys.</summary>
    public static void Ensure(string folder)
    {
        foreach (var service in CallersOf.Keys)
            EnsureKey(KeyFile(folder, service));
        foreach (var (service, callers) in CallersOf)
        {
            var keys = Directory.CreateDirectory(CallersFolder(folder, service)).FullName;
            foreach (var caller in callers)
                File.WriteAllText(Path.Combine(keys, caller + ".pem"), PublicKey(File.ReadAllText(KeyFile(folder, caller))));
        }
    }

    private static void EnsureKey(string file)
    {
        if (File.Exists(file))
            return;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        PrivateFile.Write(file, NewKey());
    }

    /// <summary>A new private key as PEM.</summary>
    internal static string NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <summary>The public half of a private key, both as PEM.</summary>
    internal static string PublicKey(string privateKey)
    {
        using var key = ECDsa.Create();
        key.ImportFromPem(privateKey);
        return key.ExportSubjectPublicKeyInfoPem() + "\n";
    }
}
