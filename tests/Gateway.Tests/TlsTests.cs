using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
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
        await using var stack = await StartAsync();
        using var client = Client(stack, version);

        using var answer = await client.GetAsync(new Uri("/api/v1/session", UriKind.Relative), TestContext.Current.CancellationToken);

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Version.ToString().ShouldBe(version);
        answer.SetCookie().ShouldNotBeNull();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
#pragma warning disable SYSLIB0039, CA5397 // that old versions are refused is the point
    [InlineData(SslProtocols.Tls11, false)]
#pragma warning restore SYSLIB0039, CA5397
    public async Task Only_TLS_1_2_and_1_3_are_spoken(SslProtocols protocol, bool spoken)
    {
        await using var stack = await StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", stack.Url.Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(socket.GetStream());
        var handshake = tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocol, RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null },
            TestContext.Current.CancellationToken);

        if (!spoken)
        {
            await Should.ThrowAsync<Exception>(() => handshake);
            return;
        }

        await handshake;
        tls.SslProtocol.ShouldBe(protocol);
    }

    [Fact]
    public async Task A_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not()
    {
        await using var stack = await StartAsync();
        (await SubjectAsync(stack)).ShouldBe("CN=localhost");

        Write(stack, "CN=renewed");
        (await SubjectAsync(stack)).ShouldBe("CN=localhost");
        stack.Time.Advance(TimeSpan.FromSeconds(10));
        (await SubjectAsync(stack)).ShouldBe("CN=renewed");

        await File.WriteAllTextAsync(stack.PathOf("tls.crt"), "half a certifi", TestContext.Current.CancellationToken);
        stack.Time.Advance(TimeSpan.FromSeconds(10));
        (await SubjectAsync(stack)).ShouldBe("CN=renewed");
        stack.Logs.Entries.ShouldContain(entry => entry.Event == "certificate_unreadable");
    }

    [Fact]
    public async Task Plain_http_only_sends_pages_on_to_https()
    {
        await using var stack = await StartAsync(settings => settings["HTTP_REDIRECT_URL"] = "http://127.0.0.1:0");
        using var client = Stack.Client(new Uri(stack.Gateway.Urls.Single(url => url.StartsWith("http://", StringComparison.Ordinal) && new Uri(url) != stack.ManagementUrl)));

        using var page = await client.SendAsync(HttpMethod.Get, "/orders?from=mail", ("Host", "localhost"));
        using var post = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Host", "localhost"));

        page.StatusCode.ShouldBe(HttpStatusCode.PermanentRedirect);
        page.Headers.Location.ShouldBe(new Uri("https://localhost:8443/orders?from=mail"));
        page.Headers.Contains("Content-Security-Policy").ShouldBeTrue();
        await post.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
    }

    [Fact]
    public async Task Behind_a_proxy_that_speaks_https_its_plain_side_is_sent_on_too()
    {
        await using var stack = await Stack.StartAsync((_, settings) =>
        {
            settings["PUBLIC_URL"] = "https://homestage.test";
            settings["TLS_IN_FRONT"] = "true";
            settings["TRUSTED_PROXIES"] = "127.0.0.1";
        });
        using var client = stack.Client();
        async Task<HttpStatusCode> GetAsync(string scheme)
        {
            using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", ("Host", "homestage.test"), ("X-Forwarded-Proto", scheme), ("X-Forwarded-For", "203.0.113.7"));
            return answer.StatusCode;
        }

        (await GetAsync("https")).ShouldBe(HttpStatusCode.OK);
        (await GetAsync("http")).ShouldBe(HttpStatusCode.PermanentRedirect);
    }

    private static Task<Stack> StartAsync(Action<Dictionary<string, string>>? change = null) => Stack.StartAsync((stack, settings) =>
    {
        Write(stack, "CN=localhost");
        settings["TLS_CERT_FILE"] = stack.PathOf("tls.crt");
        settings["TLS_KEY_FILE"] = stack.PathOf("tls.key");
        settings["PUBLIC_URL"] = "https://localhost:8443";
        change?.Invoke(settings);
    });

    private static void Write(Stack stack, string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(stack.PathOf("tls.crt"), certificate.ExportCertificatePem());
        File.WriteAllText(stack.PathOf("tls.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private static async Task<string?> SubjectAsync(Stack stack)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", stack.Url.Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null }, TestContext.Current.CancellationToken);
        return tls.RemoteCertificate?.Subject;
    }

    private static HttpClient Client(Stack stack, string version)
    {
        var handler = new SocketsHttpHandler { UseCookies = false };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost";
        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://127.0.0.1:{stack.Url.Port}"),
            DefaultRequestVersion = Version.Parse(version),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }
}
