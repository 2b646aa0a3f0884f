using System.Net;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Gateway.Tests.Headers;

public sealed class SecurityHeaderTests(SharedStack shared)
{
    public static TheoryData<string, string, int> Answers => new()
    {
        { "GET", "/", 200 },
        { "GET", "/app.js", 200 },
        { "GET", "/api/v1/session", 200 },
        { "GET", "/api/v1/plans", 200 },
        { "GET", "/api/v1/catalog?status=418", 418 },
        { "GET", "/api/v1/catalog?status=500", 500 },
        { "GET", "/api/v1/orders", 502 },
        { "GET", "/api/v1/unknown", 404 },
        { "GET", "/nothing.html", 404 },
        { "DELETE", "/api/v1/plans", 405 },
        { "GET", "/api/v1/a%2Fb", 400 },
        { "GET", "/d/token", 200 },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Every_answer_carries_the_security_headers(string method, string path, int status)
    {
        await using var stack = await Stack.StartAsync(
            (stack, settings) =>
            {
                // Orders are down; plans are answered by whoever has the audience.
                if (path.EndsWith("orders", StringComparison.Ordinal))
                    settings["BILLING_URL"] = "http://127.0.0.1:1";
            },
            stagingApi: context =>
            {
                context.Response.Headers.ContentSecurityPolicy = "default-src *";
                context.Response.Headers["Server"] = "inside/1.0";
                context.Response.Headers["X-Powered-By"] = "inside";
                if (int.TryParse(context.Request.Query["status"], out var code))
                    context.Response.StatusCode = code;
                return Task.FromResult(context.Response.StatusCode != StatusCodes.Status200OK);
            });
        using var client = stack.Client();

        using var answer = await client.SendAsync(new HttpMethod(method), path);

        answer.StatusCode.ShouldBe((HttpStatusCode)status);
        var policy = answer.Headers.GetValues("Content-Security-Policy").ShouldHaveSingleItem();
        policy.ShouldContain("default-src 'none'");
        policy.ShouldContain("frame-ancestors 'none'");
        policy.ShouldNotContain("unsafe-");
        answer.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        answer.Headers.GetValues("X-Frame-Options").ShouldBe(["DENY"]);
        answer.Headers.GetValues("Referrer-Policy").ShouldBe(["same-origin"]);
        answer.Headers.GetValues("Cross-Origin-Opener-Policy").ShouldBe(["same-origin"]);
        answer.Headers.GetValues("Cross-Origin-Resource-Policy").ShouldBe(["same-origin"]);
        answer.Headers.GetValues("Cross-Origin-Embedder-Policy").ShouldBe(["require-corp"]);
        answer.Headers.Contains("Permissions-Policy").ShouldBeTrue();
        answer.Headers.Contains("Server").ShouldBeFalse();
        answer.Headers.Contains("X-Powered-By").ShouldBeFalse();
        answer.Headers.Contains("Strict-Transport-Security").ShouldBeFalse();
    }

    [Theory]
    [InlineData("https://homestage.test", true)]
    [InlineData("https://localhost:8443", false)]
    [InlineData("http://localhost:8080", false)]
    public async Task Transport_security_is_promised_for_https_on_a_real_name(string publicUrl, bool promised)
    {
        await using var stack = await Stack.StartAsync((_, settings) => settings["PUBLIC_URL"] = publicUrl);
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", ("Host", new Uri(publicUrl).Authority));

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        answer.Headers.Contains("Strict-Transport-Security").ShouldBe(promised);
    }

    [Theory]
    [InlineData("/api/v1/nothing")]
    [InlineData("/api/v2/plans")]
    [InlineData("/internal/sessions/1")]
    [InlineData("/health/ready")]
    [InlineData("/metrics")]
    [InlineData("/nothing")]
    public async Task What_is_not_public_is_not_found(string path)
    {
        var stack = shared.Stack;
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, path);

        await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("/api/v1/stagings/../../../internal/sessions/1")]
    [InlineData("/api/v1/stagings/%2e%2e/%2E%2E/internal")]
    [InlineData("/api/v1/stagings/..%2f..%2finternal")]
    [InlineData("/api/v1/stagings/%252e%252e%252finternal")]
    [InlineData("/api/v1/stagings/..%5cinternal")]
    [InlineData("/api/v1/stagings/..\\internal")]
    [InlineData("/api/v1/stagings//internal")]
    [InlineData("/api/v1/stagings/./1")]
    [InlineData("/api/v1/stagings/%01")]
    [InlineData("/d/..;/internal")]
    [InlineData("http://localhost/d/../internal")]
    public async Task A_path_that_two_servers_could_read_differently_is_refused(string target)
    {
        var stack = shared.Stack;

        var answer = await Http.RawAsync(stack.Url, $"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        answer.ShouldStartWith("HTTP/1.1 400 ");
        answer.ShouldContain("validation_failed");
    }
}
