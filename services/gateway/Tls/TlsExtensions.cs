using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace HomeStage.Gateway.Tls;

/// <summary>HTTPS on the gateway's own listener, where a certificate is configured: TLS 1.2 and 1.3, HTTP/1.1 and 2.</summary>
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
            Certificates.Parse((certificate, key));
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            settings.Refuse("TLS_CERT_FILE", "and TLS_KEY_FILE must be a PEM certificate and the PEM key that belongs to it");
            return;
        }

        var files = (Certificate: service.Configuration["TLS_CERT_FILE"], Key: service.Configuration["TLS_KEY_FILE"]);
        service.Services.AddSingleton(provider => new Certificates(
            () => (Read(files.Certificate, certificate), Read(files.Key, key)),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<Certificates>>()));
        service.ConfigureListener(listener =>
        {
            var certificates = listener.ApplicationServices.GetRequiredService<Certificates>();
            listener.ApplicationServices.GetRequiredService<GatewayMetrics>().ObserveCertificate(() => certificates.ExpiresAt);
            listener.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = certificates.Current(),
                    EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                }),
            });
        });
    }

    private static string Read(string? file, string value) => file is { Length: > 0 } ? File.ReadAllText(file) : value;
}
