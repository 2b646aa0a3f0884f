using System.Net;

namespace HomeStage.Gateway.Tests.Sessions;

public sealed class SessionCookieTests
{
    [Fact]
    public async Task Asking_for_a_session_gives_a_visitor_with_a_cookie_that_only_this_host_gets()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session");

        var session = await answer.JsonAsync();
        session.GetProperty("kind").GetString().ShouldBe("visitor");
        session.GetProperty("accountId").GetGuid().Version.ShouldBe(7);
        session.GetProperty("sessionId").GetGuid().Version.ShouldBe(7);
        session.GetProperty("signInAvailable").GetBoolean().ShouldBeFalse();
        session.GetProperty("expiresAt").GetDateTimeOffset().ShouldBe(stack.Time.GetUtcNow().AddDays(400), TimeSpan.FromSeconds(1));
        answer.Headers.CacheControl!.NoStore.ShouldBeTrue();

        var parts = answer.SetCookie().ShouldNotBeNull().Split("; ");
        parts[0].ShouldStartWith("__Host-homestage=");
        parts.ShouldContain("secure", StringComparer.OrdinalIgnoreCase);
        parts.ShouldContain("httponly", StringComparer.OrdinalIgnoreCase);
        parts.ShouldContain("samesite=lax", StringComparer.OrdinalIgnoreCase);
        parts.ShouldContain("path=/", StringComparer.OrdinalIgnoreCase);
        parts.ShouldNotContain(part => part.StartsWith("domain", StringComparison.OrdinalIgnoreCase));
        var expires = parts.Single(part => part.StartsWith("expires=", StringComparison.OrdinalIgnoreCase));
        DateTimeOffset.Parse(expires[8..]).ShouldBe(stack.Time.GetUtcNow().AddDays(400), TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task The_same_cookie_is_the_same_session_and_is_not_sent_again()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var again = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));

        (await again.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
        again.SetCookie().ShouldBeNull();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/v1/plans")]
    [InlineData("/api/v1/catalog")]
    [InlineData("/api/v1/credits")]
    [InlineData("/api/v1/stagings")]
    [InlineData("/d/token")]
    [InlineData("/api/v1/nothing")]
    public async Task A_crawler_that_only_reads_gets_no_session(string path)
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();

        using var get = await client.SendAsync(HttpMethod.Get, path);
        using var head = await client.SendAsync(HttpMethod.Head, path);

        get.Headers.Contains("Set-Cookie").ShouldBeFalse();
        head.Headers.Contains("Set-Cookie").ShouldBeFalse();
        stack.Entitlements.Requests.ShouldNotContain(request => request.Path.StartsWith("/internal"));
    }

    [Fact]
    public async Task An_unsafe_request_without_a_cookie_gets_a_session_and_is_made_in_its_name()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings");

        var received = await answer.EchoAsync();
        received.Kind.ShouldBe("Visitor");
        using var session = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", answer.Cookie()));
        (await session.JsonAsync()).GetProperty("accountId").GetGuid().ShouldBe(received.AccountId);
    }

    [Fact]
    public async Task Stripe_gets_no_session()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(Webhooks.Hook.Request(stack, ("Origin", "https://stripe.example")), TestContext.Current.CancellationToken);

        var received = await answer.EchoAsync();
        received.Kind.ShouldBe("Anonymous");
        received.Headers["stripe-signature"].ShouldBe(Webhooks.Hook.Signature(stack));
        answer.Headers.Contains("Set-Cookie").ShouldBeFalse();
    }

    [Fact]
    public async Task A_session_in_use_is_renewed_once_a_day()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        stack.Time.Advance(TimeSpan.FromDays(399));

        using var used = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));
        stack.Time.Advance(TimeSpan.FromDays(399));
        using var later = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", used.Cookie()));

        (await used.EchoAsync()).SessionId.ShouldBe(visitor.SessionId);
        (await later.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
    }

    [Fact]
    public async Task A_session_that_was_not_used_for_400_days_is_over()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        stack.Time.Advance(TimeSpan.FromDays(401));

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));

        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await answer.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldNotBe(visitor.SessionId);
    }

    [Fact]
    public async Task An_authorization_header_is_refused_and_the_cookie_beside_it_ignored()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        foreach (var path in new[] { "/api/v1/session", "/api/v1/credits", "/api/v1/stagings/1" })
        {
            using var answer = await client.SendAsync(HttpMethod.Get, path, ("Cookie", visitor.Cookie), ("Authorization", "Bearer something"));
            await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
            answer.Headers.WwwAuthenticate.ToString().ShouldStartWith("Bearer");
        }
    }
}
