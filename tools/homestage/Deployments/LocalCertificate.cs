using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Deployments;

/// <summary>A certificate that signs itself: a browser warns of it once.</summary>
internal static class LocalCertificate
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);
    private static readonly TimeSpan RenewedBefore = TimeSpan.FromDays(30);

    public static void Ensure(DataFolder data, TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        if (IsGood(data.Certificate, now))
            return;
        var (certificate, key) = Create(now, "localhost");
        Directory.CreateDirectory(Path.GetDirectoryName(data.Certificate)!);
        PrivateFile.Write(data.CertificateKey, key);
        File.WriteAllText(data.Certificate, certificate);
    }

    /// <summary>Certificate and key as PEM, for names and this machine's own addresses.</summary>
    public static (string Certificate, string Key) Create(DateTimeOffset now, params IReadOnlyList<string> hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + hosts[0], key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in hosts.Append("localhost").Distinct(StringComparer.OrdinalIgnoreCase))
            names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + Lifetime);
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    private static bool IsGood(string file, DateTimeOffset now)
    {
        if (!File.Exists(file))
            return false;
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
        return (now + RenewedBefore).UtcDateTime < certificate.NotAfter.ToUniversalTime();
    }
}
