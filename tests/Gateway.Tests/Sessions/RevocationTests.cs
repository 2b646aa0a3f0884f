using System.Net;
using HomeStage.Gateway.Tests.SignIn;
using Microsoft.AspNetCore.Http;
using StackExchange.Redis;

namespace HomeStage.Gateway.Tests.Sessions;

public sealed class RevocationTests
{
    [Fact]
    public async Task A_revoked_session_is_as_good_as_none_and_its_streams_end()
    {
        await using var stack = await Stack.StartAsync(stagingApi: async context =>
        {
            if (context.Request.Path != "/api/v1/events")
                return false;
            await context.Response.WriteAsync("event: ping\n\n", context.RequestAborted);
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
            return true;
        });
        using var client = stack.Client();
        var (revoked, other) = (await client.VisitorAsync(), await client.VisitorAsync());
        using var stream = await OpenAsync(client, revoked.Cookie);
        using var others = await OpenAsync(client, other.Cookie);
        var reading = stream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        var othersReading = others.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);

        stack.Entitlements.Revoked.Enqueue(revoked.SessionId);

        // Redis is away here, so it takes the reading every so often.
        await Eventually.Async(() => reading.IsCompleted, "the stream has ended");
        othersReading.IsCompleted.ShouldBeFalse();
        using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", revoked.Cookie));
        (await read.EchoAsync()).Kind.ShouldBe("Anonymous");
        using var fresh = await client.SendAsync(HttpMethod.Get, "/api/v1/session", ("Cookie", revoked.Cookie));
        (await fresh.JsonAsync()).GetProperty("accountId").GetGuid().ShouldNotBe(revoked.AccountId);
    }

    [Fact]
    public async Task A_word_through_Redis_has_revocations_read_at_once()
    {
        await using var servers = new TestServers();
        var redis = (await servers.StartRedisAsync()).Facts.Redis!.Connection;
        await using var stack = await Stack.StartAsync((stack, settings) =>
        {
            settings["REDIS_CONNECTION"] = redis;
            stack.RevocationsReadEvery = TimeSpan.FromDays(1);
        });
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        stack.Entitlements.Revoked.Enqueue(visitor.SessionId);
        using var publisher = await ConnectionMultiplexer.ConnectAsync(redis);

        await Eventually.Async(
            async () =>
            {
                // Again and again: the gateway may not have subscribed yet.
                await publisher.GetSubscriber().PublishAsync(new RedisChannel("homestage:revocations", RedisChannel.PatternMode.Literal), "");
                using var read = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));
                return (await read.EchoAsync()).Kind == "Anonymous";
            },
            "the session is refused");
    }

    [Fact]
    public async Task A_stream_whose_session_ends_before_it_is_open_is_refused()
    {
        var asked = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(stagingApi: async context =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
            return true;
        });
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        var opening = client.SendAsync(HttpMethod.Get, "/api/v1/events", ("Cookie", visitor.Cookie));
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);

        stack.Entitlements.Revoked.Enqueue(visitor.SessionId);

        using var answer = await opening;
        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
    }

    [Fact]
    public async Task Until_revocations_were_read_nobody_is_identified_and_the_gateway_is_not_ready()
    {
        await using var stack = await Stack.StartAsync();
        using var before = stack.Client();
        var visitor = await before.VisitorAsync();
        await stack.Entitlements.DisposeAsync();
        await stack.RestartGatewayAsync();
        using var client = stack.Client();
        using var management = Stack.Client(stack.ManagementUrl);

        using var ready = await management.SendAsync(HttpMethod.Get, "/health/ready");
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));
        await answer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        using var open = await client.SendAsync(HttpMethod.Get, "/api/v1/plans");
        open.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_session_that_ended_elsewhere_this_moment_does_nothing_that_costs_money()
    {
        await using var stack = await Stack.StartAsync(entitlements: context =>
        {
            context.Response.StatusCode = StatusCodes.Status410Gone;
            return Task.FromResult(true);
        });
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));

        await answer.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "unauthenticated");
        stack.StagingApi.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Entitlements_that_do_not_accept_the_gateway_end_nobodys_session()
    {
        var status = StatusCodes.Status401Unauthorized;
        await using var stack = await Stack.StartAsync(entitlements: context =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        });
        using var client = stack.Client();
        var visitor = await client.VisitorAsync();
        async Task<HttpResponseMessage> SubmitAsync() => await client.SendAsync(HttpMethod.Post, "/api/v1/stagings", ("Cookie", visitor.Cookie), ("Origin", Stack.PublicOrigin));

        using (var refused = await SubmitAsync())
        {
            await refused.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
            refused.SetCookie().ShouldBeNull();
        }

        status = StatusCodes.Status204NoContent;
        using var answer = await SubmitAsync();
        (await answer.EchoAsync()).SessionId.ShouldBe(visitor.SessionId);
    }

    [Fact]
    public async Task Revocations_of_many_answers_are_all_read_before_the_gateway_is_ready()
    {
        await using var stack = await Stack.StartAsync();
        using var before = stack.Client();
        var visitor = await before.VisitorAsync();
        stack.Entitlements.RevokedAtATime = 2;
        foreach (var subject in (Guid[])[.. Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7()), visitor.SessionId])
            stack.Entitlements.Revoked.Enqueue(subject);

        await stack.RestartGatewayAsync();

        using var client = stack.Client();
        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitor.Cookie));
        (await answer.EchoAsync()).Kind.ShouldBe("Anonymous");
    }

    [Fact]
    public void A_session_that_ends_here_does_not_stand_for_all_that_ended_elsewhere()
    {
        var revocations = new Gateway.Sessions.Revocations();

        revocations.Add([Guid.CreateVersion7()]);

        revocations.Loaded.ShouldBeFalse();
    }

    [Fact]
    public async Task A_restore_code_opens_its_account_in_another_browser()
    {
        var account = Guid.CreateVersion7();
        var status = StatusCodes.Status200OK;
        await using var stack = await Stack.StartAsync(entitlements: async context =>
        {
            if (context.Request.Path != "/internal/accounts/restore")
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return true;
            }

            context.Response.StatusCode = status;
            if (status == StatusCodes.Status200OK)
                await context.Response.WriteAsJsonAsync(new { accountId = account });
            return true;
        });
        using var browser = new Browser(stack);
        var before = await browser.SessionAsync();

        using (var answer = await browser.PostAsync("/api/v1/session/restore", new { code = "ABCD" }))
            (await answer.JsonAsync()).GetProperty("accountId").GetGuid().ShouldBe(account);

        var after = await browser.SessionAsync();
        after.GetProperty("accountId").GetGuid().ShouldBe(account);
        after.GetProperty("sessionId").GetGuid().ShouldNotBe(before.GetProperty("sessionId").GetGuid());
        foreach (var (code, told) in ((int, (HttpStatusCode, string))[])[(404, (HttpStatusCode.NotFound, "not_found")), (403, (HttpStatusCode.Forbidden, "sign_in_required")), (503, (HttpStatusCode.ServiceUnavailable, "identity_unavailable"))])
        {
            status = code;
            using var answer = await browser.PostAsync("/api/v1/session/restore", new { code = "ABCD" });
            await answer.ShouldBeProblemAsync(told.Item1, told.Item2);
            answer.SetCookie().ShouldBeNull();
        }
    }

    private static async Task<Stream> OpenAsync(HttpClient client, string cookie)
    {
        var request = Http.Request(HttpMethod.Get, "/api/v1/events", ("Cookie", cookie));
        var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
    }
}
