using System.Net;
using System.Net.Sockets;
using System.Text;
using HomeStage.Gateway.Identity;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace HomeStage.Gateway.Tests.Requests;

public sealed class RequestTests(SharedStack shared)
{
    public static TheoryData<string, string> Malformed => new()
    {
        { "GET / HTTP/1.1\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400" },
        { "GET / HTTP/3.9\r\nHost: localhost\r\n\r\n", "505" },
        { "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\n Folded: 1\r\n\r\n", "400" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n", "400" },
        { "POST /api/v1/stagings HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", "400" },
        { "POST /api/v1/stagings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400" },
        { "POST /api/v1/stagings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", "400" },
        { "TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "405" },
        { "DESTROY /api/v1/stagings HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "405" },
        { "get / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "405" },
        { "GET /" + new string('a', 9000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "414" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + new string('a', 17_000) + "\r\n\r\n", "431" },
        { "GET / HTTP/1.1\r\nHost: localhost\r\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"X{i}: 1\r\n")) + "\r\n", "431" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public async Task A_malformed_request_is_refused_and_the_connection_ends(string request, string status)
    {
        var answer = await Http.RawAsync(shared.Stack.Url, request);

        answer.ShouldStartWith($"HTTP/1.1 {status} ");
        answer.ShouldNotContain("Server:", Case.Insensitive);
        answer.ShouldNotContain("Kestrel", Case.Insensitive);
    }

    [Fact]
    public async Task Two_lengths_do_not_smuggle_a_second_request()
    {
        await using var stack = await Stack.StartAsync();

        await Http.RawAsync(stack.Url, """
            POST /api/v1/stagings HTTP/1.1
            Host: localhost
            Content-Type: application/json
            Content-Length: 4
            Transfer-Encoding: chunked

            0

            GET /api/v1/credits HTTP/1.1
            Host: localhost
            Connection: close


            """.ReplaceLineEndings("\r\n"));

        stack.Entitlements.Requests.ShouldNotContain(request => request.Path == "/api/v1/credits");
    }

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:8080", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("evil.example", false)]
    [InlineData("localhost.evil.example", false)]
    [InlineData("evil.example:8080", false)]
    public async Task Only_the_configured_hosts_are_served(string host, bool served)
    {
        using var client = shared.Stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", ("Host", host));

        answer.StatusCode.ShouldBe(served ? HttpStatusCode.OK : HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("/api/v1/checkout", "application/json", true)]
    [InlineData("/api/v1/checkout", "application/json; charset=utf-8", true)]
    [InlineData("/api/v1/checkout", "APPLICATION/JSON", true)]
    [InlineData("/api/v1/checkout", "text/plain", false)]
    [InlineData("/api/v1/checkout", "application/x-www-form-urlencoded", false)]
    [InlineData("/api/v1/checkout", null, false)]
    [InlineData("/api/v1/photos", "image/webp", true)]
    [InlineData("/api/v1/photos", "image/svg+xml", false)]
    [InlineData("/api/v1/stagings", "multipart/form-data; boundary=b", true)]
    [InlineData("/api/v1/stagings", "application/xml", false)]
    public async Task A_body_has_a_type_that_its_route_takes(string path, string? type, bool taken)
    {
        using var client = shared.Stack.Client();
        var body = new ByteArrayContent("{}"u8.ToArray());
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        using var request = Http.Request(HttpMethod.Post, path).With(body);

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        if (taken)
            answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        else
            await answer.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Theory]
    [InlineData("127.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7")]
    [InlineData("127.0.0.1, 203.0.113.0/24", "192.0.2.9, 198.51.100.1, 203.0.113.7", "198.51.100.1")]
    [InlineData("10.0.0.0/8", "203.0.113.7", "127.0.0.1")]
    [InlineData("127.0.0.1", "garbage", "127.0.0.1")]
    [InlineData("127.0.0.1", "2001:db8::7", "2001:db8::7")]
    public async Task The_clients_address_is_taken_from_trusted_proxies_alone_from_right_to_left(string trusted, string forwarded, string client)
    {
        await using var stack = await Stack.StartAsync((_, settings) => settings["TRUSTED_PROXIES"] = trusted);
        using var http = stack.Client();

        using var answer = await http.SendAsync(HttpMethod.Get, "/api/v1/plans", ("X-Forwarded-For", forwarded));

        var hasher = new AddressHasher(Encoding.UTF8.GetBytes(Stack.Pepper));
        (await answer.EchoAsync()).AddressHash.ShouldBe(hasher.Hash(IPAddress.Parse(client)));
    }

    [Fact]
    public async Task A_trace_from_outside_is_linked_and_not_continued()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        const string theirs = "0af7651916cd43dd8448eb211c80319c";

        using var answer = await client.SendAsync(
            HttpMethod.Get, "/api/v1/plans", ("traceparent", $"00-{theirs}-b7ad6b7169203331-01"), ("tracestate", "evil=1"), ("baggage", "user=1"));

        var received = await answer.EchoAsync();
        received.Headers["traceparent"].ShouldStartWith("00-");
        received.Headers["traceparent"].ShouldNotContain(theirs);
        received.Headers.Keys.ShouldNotContain("tracestate");
        received.Headers.Keys.ShouldNotContain("baggage");
    }

    [Fact]
    public void Slow_clients_and_crowds_are_bounded_by_the_server()
    {
        var limits = shared.Stack.Gateway.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;

        limits.RequestHeadersTimeout.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(10));
        limits.MinRequestBodyDataRate.ShouldNotBeNull().BytesPerSecond.ShouldBeGreaterThanOrEqualTo(240);
        limits.MinResponseDataRate.ShouldNotBeNull();
        limits.MaxConcurrentConnections.ShouldNotBeNull();
        limits.MaxConcurrentUpgradedConnections.ShouldBe(0);
    }

    [Fact]
    public async Task Headers_that_never_end_are_given_up()
    {
        await using var stack = await Stack.StartAsync(configure: services =>
            services.PostConfigure<KestrelServerOptions>(kestrel => kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromMilliseconds(200)));
        using var socket = new TcpClient();
        await socket.ConnectAsync(stack.Url.Host, stack.Url.Port, TestContext.Current.CancellationToken);
        await socket.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: local"u8.ToArray(), TestContext.Current.CancellationToken);

        using var reader = new StreamReader(socket.GetStream(), Encoding.ASCII);
        (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldStartWith("HTTP/1.1 408 ");
    }

    [Theory]
    [InlineData("Origin", SharedStack.AllowedOrigin, true)]
    [InlineData("Origin", "https://evil.example", false)]
    [InlineData("Origin", "null", false)]
    public async Task Credentialed_requests_across_origins_are_for_the_configured_ones(string header, string origin, bool allowed)
    {
        using var client = shared.Stack.Client();

        using var preflight = await client.SendAsync(
            HttpMethod.Options, "/api/v1/stagings", (header, origin), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "idempotency-key"));
        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", (header, origin));

        preflight.Headers.Contains("X-Content-Type-Options").ShouldBeTrue();
        foreach (var response in (HttpResponseMessage[])[preflight, answer])
        {
            response.Headers.Contains("Access-Control-Allow-Origin").ShouldBe(allowed);
            if (!allowed)
                continue;
            response.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe([origin]);
            response.Headers.GetValues("Access-Control-Allow-Credentials").ShouldBe(["true"]);
            response.Headers.Vary.ShouldContain("Origin");
        }
    }
}
