using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using HomeStage.Hosting;

namespace HomeStage.Gateway.Tls;

/// <summary>HTTPS on the gateway's own listener, where a certificate is configured.</summary>
internal static class TlsExtensions
{
    /// <summary>Reads <c>TLS_CERT_FILE</c> (PEM, leaf first, then its intermediates) and <c>TLS_KEY_FILE</c> (PEM).</summary>
    internal static void AddTls(this ServiceBuilder service)
    {
        var settings = service.Settings;
        var certificate = settings.Optional("TLS_CERT");
        var key = settings.Optional("TLS_KEY");
        if (certificate is null && key is null)
            return;
        if (certificate is null || key is null)
        {
            settings.Refuse(certificate is null ? "TLS_CERT_FILE" : "TLS_KEY_FILE", "is missing: a certificate and its key belong together");
            return;
        }

        try
        {
            // Both live as long as the process.
            var leaf = X509Certificate2.CreateFromPem(certificate, key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(certificate);
            service.ConfigureListener(listener => listener.UseHttps(https =>
            {
                https.ServerCertificate = leaf;
                https.ServerCertificateChain = chain;
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
            }));
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            settings.Refuse("TLS_CERT_FILE", "and TLS_KEY_FILE must be a PEM certificate and the PEM key that belongs to it");
        }
    }
}
