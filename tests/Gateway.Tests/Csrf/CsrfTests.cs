using System.Net;

namespace HomeStage.Gateway.Tests.Csrf;

public sealed class CsrfTests(SharedStack shared)
{
    private const string Partner = SharedStack.AllowedOrigin;

    // With a cookie only what certainly comes from our page; without one all but what certainly comes from another.
    public static TheoryData<bool, string?, string?, bool> Matrix => new()
    {
        { true, Stack.PublicOrigin, null, true },
        { true, Stack.PublicOrigin, "cross-site", true },
        { true, Partner, "same-site", true },
        { true, "https://evil.example", "cross-site", false },
        { true, "https://evil.example", "same-origin", false },
        { true, "null", "same-origin", false },
        { true, "", "same-origin", false },
        { true, "http://localhost:8081", null, false },
        { true, "http://localhost:8080.evil.example", null, false },
        { true, "https://localhost:8080", null, false },
        { true, null, "same-origin", true },
        { true, null, "same-site", false },
        { true, null, "cross-site", false },
        { true, null, "none", false },
        { true, null, null, false },
        { false, null, null, true },
        { false, null, "same-origin", true },
        { false, null, "none", true },
        { false, null, "same-site", false },
        { false, null, "cross-site", false },
        { false, Stack.PublicOrigin, null, true },
        { false, "https://evil.example", null, false },
        { false, "null", null, false },
    };

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task An_unsafe_request_passes_only_from_our_own_page(bool withCookie, string? origin, string? fetchSite, bool passes)
    {
        var stack = shared.Stack;
        using var client = stack.Client();
        var cookie = withCookie ? (await client.VisitorAsync()).Cookie : null;

        foreach (var method in new[] { HttpMethod.Post, HttpMethod.Put, HttpMethod.Delete, HttpMethod.Patch })
        {
            using var request = Http.Request(method, "/api/v1/stagings/1").With("Cookie", cookie).With("Origin", origin).With("Sec-Fetch-Site", fetchSite);
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            if (passes)
            {
                answer.StatusCode.ShouldBe(HttpStatusCode.OK);
                continue;
            }

            await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "csrf_rejected");
            answer.SetCookie().ShouldBeNull();
        }
    }

    [Fact]
    public async Task An_unreadable_cookie_does_not_weaken_the_rule()
    {
        var stack = shared.Stack;
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", Http.CookieName + "=junk"));

        await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "csrf_rejected");
    }

    [Fact]
    public async Task Two_origins_are_none()
    {
        var stack = shared.Stack;
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        var answer = await Http.RawAsync(
            stack.Url,
            $"POST /api/v1/stagings HTTP/1.1\r\nHost: localhost\r\nCookie: {visitor.Cookie}\r\nOrigin: {Stack.PublicOrigin}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        answer.ShouldStartWith("HTTP/1.1 403 ");
        answer.ShouldContain("csrf_rejected");
    }

    [Fact]
    public async Task A_foreign_page_cannot_make_the_browser_a_new_visitor()
    {
        var stack = shared.Stack;
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Sec-Fetch-Site", "cross-site"));

        await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "csrf_rejected");
        answer.SetCookie().ShouldBeNull();
    }

    [Fact]
    public async Task Reading_needs_no_origin()
    {
        var stack = shared.Stack;
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));

        (await answer.EchoAsync()).SessionId.ShouldBe(visitor.SessionId);
    }
}
