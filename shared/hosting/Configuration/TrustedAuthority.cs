using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HomeStage.Hosting.Configuration;

/// <summary>
/// The authority that signs the certificates of PostgreSQL, RabbitMQ and Redis, where it is none that the system knows. Only the chain is
/// judged by it; the name in the certificate must be right all the same.
/// </summary>
public sealed class TrustedAuthority
{
    private readonly X509Certificate2Collection _roots;

    private TrustedAuthority(X509Certificate2Collection roots, string file) => (_roots, File) = (roots, file);

    /// <summary>The PEM file, for drivers that read it themselves.</summary>
    public string File { get; }

    /// <summary>Reads <c>TRUSTED_CA_FILE</c>; null where it is not set, and the system's authorities hold.</summary>
    public static TrustedAuthority? Read(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Optional("TRUSTED_CA_FILE") is not { } file)
            return null;
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            settings.Refuse("TRUSTED_CA_FILE", $"names a file that cannot be read as PEM ({error.GetType().Name})");
            return null;
        }

        if (roots.Count > 0)
            return new(roots, file);
        settings.Refuse("TRUSTED_CA_FILE", "names a file without a certificate");
        return null;
    }

    /// <summary>Whether a server's certificate is of this authority and for the server's name; as .NET asks for it.</summary>
    public bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null || (errors | SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.RemoteCertificateChainErrors)
            return false;
        using var ours = new X509Chain();
        ours.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        ours.ChainPolicy.CustomTrustStore.AddRange(_roots);
        // An authority of one's own seldom publishes what it has revoked; its certificates are short-lived instead.
        ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // Intermediates come with the handshake.
        if (chain is not null)
            ours.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore);
        using var leaf = new X509Certificate2(certificate);
        return ours.Build(leaf);
    }
}
