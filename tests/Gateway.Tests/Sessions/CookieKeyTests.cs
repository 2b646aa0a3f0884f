using System.Net;

namespace HomeStage.Gateway.Tests.Sessions;

public sealed class CookieKeyTests
{
    [Fact]
    public async Task A_cookie_outlives_the_arrival_of_a_new_key()
    {
        await using var stack = await Stack.StartAsync();
        using var before = stack.Client();
        var visitor = await before.VisitorAsync();
        stack.AddCookieKey("0002");
        await stack.RestartGatewayAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));

        (await answer.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
    }

    [Fact]
    public async Task The_newest_key_encrypts()
    {
        await using var stack = await Stack.StartAsync();
        stack.AddCookieKey("0002");
        await stack.RestartGatewayAsync();
        using var before = stack.Client();
        var visitor = await before.VisitorAsync();
        stack.RemoveCookieKey("0001");
        await stack.RestartGatewayAsync();
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));

        (await answer.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
    }

    [Fact]
    public async Task A_key_that_another_replica_uses_already_is_found_without_a_restart()
    {
        await using var stack = await Stack.StartAsync();
        await using var other = await Stack.StartAsync((_, settings) => settings["COOKIE_KEYS_DIR"] = stack.CookieKeysFolder);
        using var client = stack.Client();
        await client.VisitorAsync();
        stack.AddCookieKey("0002");
        await other.RestartGatewayAsync();
        using var otherClient = other.Client();
        var visitor = await otherClient.VisitorAsync();
        stack.Time.Advance(TimeSpan.FromSeconds(6));

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));

        (await answer.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
    }

    [Fact]
    public async Task A_key_that_was_taken_away_decrypts_no_longer_what_it_just_did()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        using (var before = await client.SendAsync(HttpMethod.Get, "/api/v1/orders", ("Cookie", visitor.Cookie)))
            before.StatusCode.ShouldBe(HttpStatusCode.OK);
        stack.AddCookieKey("0002");
        stack.RemoveCookieKey("0001");
        stack.Time.Advance(TimeSpan.FromSeconds(61));

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/orders", ("Cookie", visitor.Cookie));

        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
    }

    [Fact]
    public async Task A_cookie_that_no_key_decrypts_is_never_replaced_unasked()
    {
        await using var stack = await Stack.StartAsync();
        using var before = stack.Client();
        var visitor = await before.VisitorAsync();
        stack.RemoveCookieKey("0001");
        stack.AddCookieKey("0002");
        await stack.RestartGatewayAsync();
        using var client = stack.Client();

        using var session = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", visitor.Cookie));
        using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));
        using var submit = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));
        using var plans = await client.SendAsync(HttpMethod.Get, "/api/v1/plans", ("Cookie", visitor.Cookie));

        foreach (var refused in new[] { session, read, submit })
        {
            await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
            refused.SetCookie().ShouldBeNull();
        }

        (await plans.EchoAsync()).Kind.ShouldBe("Anonymous");
        stack.StagingApi.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_person_may_give_up_a_session_that_cannot_be_read()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();

        using var foreign = await client.SendAsync(HttpMethod.Post, "/api/v1/session", ("Cookie", Http.CookieName + "=junk"), ("Origin", "https://evil.example"));
        using var own = await client.SendAsync(HttpMethod.Post, "/api/v1/session", ("Cookie", Http.CookieName + "=junk"), ("Origin", Stack.PublicOrigin));

        await foreign.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "csrf_rejected");
        own.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var after = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", own.Cookie()));
        after.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_session_that_can_be_read_is_not_given_up()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/session", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));

        (await answer.JsonAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.SessionId);
        answer.SetCookie().ShouldBeNull();
    }

    [Fact]
    public async Task A_changed_cookie_is_not_a_session()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        var middle = visitor.Cookie.Length / 2;
        var changed = visitor.Cookie[..middle] + (visitor.Cookie[middle] == 'A' ? 'B' : 'A') + visitor.Cookie[(middle + 1)..];

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", changed));

        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
    }

    [Fact]
    public async Task A_damaged_key_file_makes_the_gateway_unready_until_it_is_mended()
    {
        await using var stack = await Stack.StartAsync();
        var file = Path.Combine(stack.CookieKeysFolder, "0001.key");
        var good = await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, "not a key", TestContext.Current.CancellationToken);
        await stack.RestartGatewayAsync();
        using var client = stack.Client();
        using var management = Stack.Client(stack.ManagementUrl);

        using var notReady = await management.SendAsync(HttpMethod.Get, "/health/ready");
        using var session = await client.SendAsync(HttpMethod.Get, "/api/v1/session");
        await File.WriteAllTextAsync(file, good, TestContext.Current.CancellationToken);
        using var ready = await management.SendAsync(HttpMethod.Get, "/health/ready");
        using var afterwards = await client.SendAsync(HttpMethod.Get, "/api/v1/session");

        notReady.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await notReady.JsonAsync()).GetProperty("reasons").GetProperty("cookie-keys").GetString()!.ShouldContain("COOKIE_KEYS_DIR");
        await session.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        ready.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await afterwards.JsonAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
    }
}
