using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HomeStage.Gateway.Tests;

public sealed class TlsTests
{
    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task With_a_certificate_the_gateway_speaks_https(string version)
    {
        await using var stack = await Stack.StartAsync((stack, settings) =>
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            File.WriteAllText(stack.PathOf("tls.crt"), certificate.ExportCertificatePem());
            File.WriteAllText(stack.PathOf("tls.key"), key.ExportPkcs8PrivateKeyPem());
            settings["TLS_CERT_FILE"] = stack.PathOf("tls.crt");
            settings["TLS_KEY_FILE"] = stack.PathOf("tls.key");
            settings["PUBLIC_URL"] = "https://localhost:8443";
        });
        using var handler = new SocketsHttpHandler { UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{stack.Url.Port}/api/v1/session")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.SetCookie().ShouldNotBeNull();
    }
}
