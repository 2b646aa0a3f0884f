using System.Net;
using Microsoft.IdentityModel.JsonWebTokens;

namespace HomeStage.Gateway.Tests.Proxy;

public sealed class IdentityTests(SharedStack shared)
{
    [Theory]
    [InlineData("/api/v1/plans", "billing")]
    [InlineData("/api/v1/orders", "billing")]
    [InlineData("/api/v1/orders/0199/more", "billing")]
    [InlineData("/api/v1/credits", "entitlements")]
    [InlineData("/api/v1/credits/entries", "entitlements")]
    [InlineData("/api/v1/catalog", "staging-api")]
    [InlineData("/api/v1/photos/1", "staging-api")]
    [InlineData("/api/v1/stagings", "staging-api")]
    [InlineData("/api/v1/stagings/1/images/2", "staging-api")]
    [InlineData("/api/v1/stagings/1/events", "staging-api")]
    [InlineData("/api/v1/events", "staging-api")]
    [InlineData("/d/token", "staging-api")]
    [InlineData("/d/token/images/original", "staging-api")]
    public async Task A_route_leads_to_its_service_with_a_token_for_that_service_alone(string path, string audience)
    {
        var stack = shared.Stack;
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, path + "?limit=5&cursor=a%2Fb");

        // The upstream checked signature, issuer, audience and lifetime itself.
        var received = await answer.EchoAsync();
        received.Path.ShouldBe(path);
        received.Query.ShouldBe("?limit=5&cursor=a%2Fb");
        received.Issuer.ShouldBe("gateway");
        received.Kind.ShouldBe("Anonymous");
        var token = TokenOf(received);
        token.Audiences.ShouldBe([audience]);
        token.Alg.ShouldBe("ES256");
        (token.ValidTo - token.IssuedAt).ShouldBe(TimeSpan.FromSeconds(120));
    }

    [Fact]
    public async Task A_visitor_is_named_by_account_session_and_address_hash()
    {
        var stack = shared.Stack;
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));

        var received = await answer.EchoAsync();
        received.Kind.ShouldBe("Visitor");
        received.AccountId.ShouldBe(visitor.AccountId);
        received.SessionId.ShouldBe(visitor.SessionId);
        received.AddressHash.ShouldBe(new Gateway.Identity.AddressHasher(System.Text.Encoding.UTF8.GetBytes(Stack.Pepper)).Hash(IPAddress.Loopback));
    }

    [Fact]
    public async Task A_token_is_reused_for_a_minute_at_most_and_only_for_the_same_caller_and_service()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var one = await client.VisitorAsync();
        var two = await client.VisitorAsync();
        async Task<string> TokenAsync(string cookie, string path)
        {
            using var answer = await client.SendAsync(HttpMethod.Get, path, ("Cookie", cookie));
            return (await answer.EchoAsync()).Headers["authorization"];
        }

        var first = await TokenAsync(one.Cookie, "/api/v1/credits");
        stack.Time.Advance(TimeSpan.FromSeconds(59));
        (await TokenAsync(one.Cookie, "/api/v1/credits")).ShouldBe(first);
        (await TokenAsync(two.Cookie, "/api/v1/credits")).ShouldNotBe(first);
        (await TokenAsync(one.Cookie, "/api/v1/stagings")).ShouldNotBe(first);
        stack.Time.Advance(TimeSpan.FromSeconds(2));
        (await TokenAsync(one.Cookie, "/api/v1/credits")).ShouldNotBe(first);
    }

    [Fact]
    public async Task What_a_client_says_about_who_and_where_it_is_reaches_nobody()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        var answer = await Http.RawAsync(
            stack.Url,
            $"""
            GET /api/v1/credits HTTP/1.1
            Host: localhost
            cookie: {visitor.Cookie}; other=1
            x-homestage-account: 1
            X-HomeStage-Account: 2
            X-HOMESTAGE-KIND: member
            X-Forwarded-For: 203.0.113.7
            x-forwarded-for: 203.0.113.8
            X-FORWARDED-HOST: forged.example
            X-Forwarded-Proto: https
            X-Forwarded-Prefix: /internal
            Forwarded: for=203.0.113.7
            forwarded: for=203.0.113.8
            X-Real-IP: 203.0.113.7
            X-Original-URL: /internal
            Proxy-Authorization: Basic Zm9yZ2Vk
            X-Harmless: kept
            Connection: close


            """.ReplaceLineEndings("\r\n"));

        answer.ShouldStartWith("HTTP/1.1 200 ");
        var received = stack.Entitlements.Requests.ShouldHaveSingleItem();
        received.AccountId.ShouldBe(visitor.AccountId);
        received.Headers.Keys.ShouldNotContain(name =>
            name.StartsWith("x-homestage-") || name.StartsWith("x-forwarded-") || name.StartsWith("x-original-")
            || name == "forwarded" || name == "x-real-ip" || name == "cookie" || name == "proxy-authorization");
        received.Headers["x-harmless"].ShouldBe("kept");
        received.Headers["host"].ShouldBe(new Uri(stack.Entitlements.Url).Authority);
        received.Headers["authorization"].ShouldStartWith("Bearer ey");
        received.Headers["authorization"].ShouldNotContain(",");
    }

    [Fact]
    public async Task Two_authorization_headers_in_any_casing_are_refused()
    {
        await using var stack = await Stack.StartAsync();

        var answer = await Http.RawAsync(
            stack.Url, "GET /api/v1/credits HTTP/1.1\r\nHost: localhost\r\nAUTHORIZATION: Bearer a\r\nauthorization: Bearer b\r\nConnection: close\r\n\r\n");

        answer.ShouldStartWith("HTTP/1.1 401 ");
        stack.Entitlements.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_credential_on_a_public_route_is_dropped()
    {
        var stack = shared.Stack;
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/d/token", ("Authorization", "Bearer forged"));

        var received = await answer.EchoAsync();
        received.Kind.ShouldBe("Anonymous");
        TokenOf(received).Issuer.ShouldBe("gateway");
    }

    [Fact]
    public async Task A_cookie_of_an_upstream_reaches_nobody_and_ours_stays()
    {
        await using var stack = await Stack.StartAsync(stagingApi: context =>
        {
            context.Response.Headers.SetCookie = "inside=1; Path=/";
            return Task.FromResult(false);
        });
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings");

        answer.Headers.GetValues("Set-Cookie").ShouldHaveSingleItem().ShouldStartWith(Http.CookieName + "=");
    }

    private static JsonWebToken TokenOf(Received received) => new(received.Headers["authorization"]["Bearer ".Length..]);
}
