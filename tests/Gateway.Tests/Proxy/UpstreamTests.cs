using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Gateway.Tests.Proxy;

public sealed class UpstreamTests
{
    [Fact]
    public async Task An_upstream_that_is_down_is_a_problem_that_tells_nothing_of_the_inside()
    {
        await using var stack = await Stack.StartAsync((_, settings) => settings["BILLING_URL"] = $"http://127.0.0.1:{FreePorts.Next()}");
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/plans");

        var problem = await answer.ShouldBeProblemAsync(HttpStatusCode.BadGateway, "unavailable");
        problem.GetProperty("retryable").GetBoolean().ShouldBeTrue();
        problem.GetRawText().ShouldNotContain("127.0.0.1");
        problem.GetRawText().ShouldNotContain("refused", Case.Insensitive);
    }

    [Fact]
    public async Task A_slow_upstream_is_given_up_at_its_routes_time_and_a_quiet_stream_never()
    {
        var later = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(
            (_, settings) =>
            {
                settings["ReverseProxy:Routes:images:Metadata:Timeout"] = "00:00:00.2";
                settings["ReverseProxy:Clusters:staging-api:HttpRequest:ActivityTimeout"] = "00:00:00.2";
            },
            stagingApi: async context =>
            {
                if (context.Request.Path.Value!.EndsWith("events", StringComparison.Ordinal))
                {
                    context.Response.ContentType = "text/event-stream";
                    await context.Response.WriteAsync("data: now\n\n");
                    await context.Response.Body.FlushAsync();
                }

                await later.Task.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync("data: later\n\n");
                return true;
            });
        using var client = stack.Client();
        using var stream = await client.SendAsync(Http.Request(HttpMethod.Get, "/api/v1/events"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var photo = client.SendAsync(Post(stack, "/api/v1/photos", new ByteArrayContent([1, 2, 3])), TestContext.Current.CancellationToken);

        foreach (var path in (string[])["/api/v1/catalog", "/api/v1/stagings/1/images/1"])
        {
            using var answer = await client.SendAsync(HttpMethod.Get, path);
            await answer.ShouldBeProblemAsync(HttpStatusCode.GatewayTimeout, "unavailable");
        }

        later.SetResult();
        (await stream.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("data: now\n\ndata: later\n\n");
        using var taken = await photo;
        taken.StatusCode.ShouldBe(HttpStatusCode.OK, "uploads have a longer time of their own");
    }

    [Theory]
    [InlineData(true, "HTTP/2", 1)]
    [InlineData(false, "HTTP/1.1", 20)]
    public async Task Streams_share_a_connection_where_there_is_an_address_for_them_and_end_one_by_one(bool hasAddress, string protocol, int connections)
    {
        const int streams = 20;
        var opened = new ConcurrentQueue<(string Protocol, string Connection)>();
        var (left, more) = (0, new TaskCompletionSource());
        await using var stack = await Stack.StartAsync(
            (_, settings) =>
            {
                if (!hasAddress)
                    settings.Remove("STAGING_API_STREAMS_URL");
            },
            stagingApi: async context =>
            {
                if (!context.Request.Path.Value!.EndsWith("events", StringComparison.Ordinal))
                {
                    context.Request.Protocol.ShouldBe("HTTP/1.1");
                    return false;
                }

                opened.Enqueue((context.Request.Protocol, context.Connection.Id));
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: now\n\n");
                await context.Response.Body.FlushAsync();
                context.RequestAborted.Register(() => Interlocked.Increment(ref left));
                await more.Task.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync("data: later\n\n", context.RequestAborted);
                return true;
            });
        using var client = stack.Client();
        var open = await Task.WhenAll(Enumerable.Range(0, streams).Select(_ => client.SendAsync(
            Http.Request(HttpMethod.Get, "/api/v1/events"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken)));
        using var other = await client.SendAsync(HttpMethod.Get, "/api/v1/catalog");

        other.StatusCode.ShouldBe(HttpStatusCode.OK);
        opened.ShouldAllBe(stream => stream.Protocol == protocol);
        opened.Select(stream => stream.Connection).Distinct().Count().ShouldBe(connections);
        open[0].Dispose();
        await Eventually.Async(() => Volatile.Read(ref left) == 1, "staging-api has heard that one client left");
        more.SetResult();
        foreach (var stream in open.Skip(1))
        {
            (await stream.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldBe("data: now\n\ndata: later\n\n");
            stream.Dispose();
        }
    }

    [Fact]
    public async Task A_time_that_is_none_stops_the_start()
    {
        var error = await Should.ThrowAsync<Exception>(() => Stack.StartAsync((_, settings) => settings["ReverseProxy:Routes:images:Metadata:Timeout"] = "soon"));

        error.ToString().ShouldContain("The Timeout in the metadata of the route 'images' is not a time");
    }

    [Fact]
    public async Task Replicas_share_the_requests()
    {
        await using var stack = await Stack.StartAsync();
        await using var replica = await stack.StartBillingReplicaAsync();
        stack.Settings["BILLING_URL"] = $"{stack.Billing.Url}, {replica.Url}";
        await stack.RestartGatewayAsync();
        using var client = stack.Client();

        for (var i = 0; i < 50; i++)
            (await client.SendAsync(HttpMethod.Get, "/api/v1/plans")).StatusCode.ShouldBe(HttpStatusCode.OK);

        stack.Billing.Requests.ShouldNotBeEmpty();
        replica.Requests.ShouldNotBeEmpty();
        (stack.Billing.Requests.Count + replica.Requests.Count).ShouldBe(50);
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("POST", false)]
    public async Task What_no_upstream_can_have_seen_is_sent_again_if_it_is_safe(string method, bool again)
    {
        var connections = 0;
        var nobody = $"http://127.0.0.1:{FreePorts.Next()}";
        await using var stack = await Stack.StartAsync(
            (_, settings) =>
            {
                // The replica that is down is asked first.
                settings["ReverseProxy:Clusters:entitlements:LoadBalancingPolicy"] = "FirstAlphabetical";
                settings["ENTITLEMENTS_URL"] = $"{nobody},{settings["ENTITLEMENTS_URL"]}";
            },
            entitlements: _ => Task.FromResult(Interlocked.Increment(ref connections) < 0));
        using var client = stack.Client();

        using var answer = await client.SendAsync(new HttpMethod(method), "/api/v1/credits", ("Origin", Stack.PublicOrigin));

        answer.StatusCode.ShouldBe(again ? HttpStatusCode.OK : HttpStatusCode.BadGateway);
        connections.ShouldBe(again ? 1 : 0);
    }

    [Fact]
    public async Task An_upstream_that_says_it_is_not_ready_is_not_asked_while_another_is()
    {
        await using var other = await ManagementAsync(StatusCodes.Status503ServiceUnavailable);
        await using var stack = await Stack.StartAsync((stack, settings) =>
        {
            settings["ENTITLEMENTS_URL"] = $"{other.Urls.First()},{stack.Entitlements.Url}";
            settings["ENTITLEMENTS_HEALTH_URL"] = $"{other.Urls.First()},{stack.Entitlements.ManagementUrl}";
            settings["ReverseProxy:Clusters:entitlements:LoadBalancingPolicy"] = "FirstAlphabetical";
            settings["ReverseProxy:Clusters:entitlements:HealthCheck:Active:Interval"] = "00:00:00.1";
        });
        using var client = stack.Client();

        await Eventually.Async(
            async () =>
            {
                using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/credits", ("Origin", Stack.PublicOrigin));
                return answer.StatusCode == HttpStatusCode.OK;
            },
            "the one that drains is left out");
    }

    [Fact]
    public async Task No_stream_is_opened_at_a_replica_that_drains()
    {
        await using var other = await ManagementAsync(StatusCodes.Status503ServiceUnavailable);
        await using var stack = await Stack.StartAsync((stack, settings) =>
        {
            settings["STAGING_API_URL"] = $"{other.Urls.First()},{stack.StagingApi.Url}";
            settings["STAGING_API_STREAMS_URL"] = $"{other.Urls.First()},{stack.StagingApi.StreamsUrl}";
            settings["STAGING_API_HEALTH_URL"] = $"{other.Urls.First()},{stack.StagingApi.ManagementUrl}";
            settings["ReverseProxy:Clusters:staging-api-streams:LoadBalancingPolicy"] = "FirstAlphabetical";
            settings["ReverseProxy:Clusters:staging-api-streams:HealthCheck:Active:Interval"] = "00:00:00.1";
        });
        using var client = stack.Client();

        await Eventually.Async(
            async () =>
            {
                using var answer = await client.SendAsync(HttpMethod.Get, "/api/v1/events");
                return answer.StatusCode == HttpStatusCode.OK;
            },
            "the one that drains is left out");
    }

    private static async Task<WebApplication> ManagementAsync(int status)
    {
        var app = WebApplication.Create();
        app.Urls.Add("http://127.0.0.1:0");
        app.Run(context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }

    [Fact]
    public async Task An_upstreams_own_problem_passes_unchanged()
    {
        await using var stack = await Stack.StartAsync(stagingApi: async context =>
        {
            context.Response.StatusCode = StatusCodes.Status402PaymentRequired;
            context.Response.ContentType = "application/problem+json";
            await context.Response.WriteAsync("""{"code":"insufficient_credits","traceId":"t","retryable":false,"needed":2}""");
            return true;
        });
        using var client = stack.Client();

        using var answer = await client.SendAsync(HttpMethod.Post, "/api/v1/stagings");

        (await answer.ShouldBeProblemAsync(HttpStatusCode.PaymentRequired, "insufficient_credits")).GetProperty("needed").GetInt32().ShouldBe(2);
    }

    [Theory]
    [InlineData("/api/v1/checkout", 64 * 1024)]
    [InlineData("/webhooks/stripe", 1024 * 1024)]
    [InlineData("/api/v1/photos", 25 * 1024 * 1024)]
    [InlineData("/api/v1/stagings", 25 * 1024 * 1024)]
    public async Task A_body_may_be_as_large_as_its_route_takes(string path, int limit)
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        async Task<HttpResponseMessage> PostAsync(HttpContent body)
        {
            using var request = Post(stack, path, body);
            return await client.SendAsync(request, TestContext.Current.CancellationToken);
        }

        using var fits = await PostAsync(new ByteArrayContent(new byte[limit]));
        (await fits.EchoAsync()).BodyLength.ShouldBe(limit);
        var sessions = stack.Entitlements.Requests.Count;

        using var tooLarge = await PostAsync(new ByteArrayContent(new byte[limit + 1]));
        var problem = await tooLarge.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        problem.GetProperty("maxBytes").GetInt64().ShouldBe(limit);
        tooLarge.SetCookie().ShouldBeNull();
        stack.Entitlements.Requests.Count.ShouldBe(sessions);
    }

    [Fact]
    public async Task Thirty_megabytes_are_refused()
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        using var request = Post(stack, "/api/v1/photos", new ByteArrayContent(new byte[30 * 1024 * 1024]));

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        await answer.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
    }

    [Theory]
    [InlineData("/api/v1/checkout", 64 * 1024)]
    [InlineData("/webhooks/stripe", 1024 * 1024)]
    [InlineData("/api/v1/photos", 25 * 1024 * 1024)]
    public async Task A_body_that_does_not_say_its_size_is_cut_off(string path, int limit)
    {
        await using var stack = await Stack.StartAsync();
        using var client = stack.Client();
        using var request = Post(stack, path, new ByteArrayContent(new byte[limit + 1]));
        request.Headers.TransferEncodingChunked = true;

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        await answer.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        stack.Billing.Requests.ShouldBeEmpty();
        stack.StagingApi.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Events_pass_one_by_one_as_they_are_sent()
    {
        var steps = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource()).ToArray();
        await using var stack = await Stack.StartAsync(stagingApi: async context =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < steps.Length; i++)
            {
                await steps[i].Task.WaitAsync(context.RequestAborted);
                await context.Response.WriteAsync($"id: {i}\ndata: step {i}\n\n");
                await context.Response.Body.FlushAsync();
            }

            return true;
        });
        using var client = stack.Client();
        using var request = Http.Request(HttpMethod.Get, "/api/v1/stagings/1/events", ("Last-Event-ID", "7"), ("Accept", "text/event-stream"));
        steps[0].SetResult();

        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), Encoding.UTF8);

        // The upstream sends an event only after the one before it was read here.
        for (var i = 0; i < steps.Length; i++)
        {
            (await reader.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe($"id: {i}");
            (await reader.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe($"data: step {i}");
            (await reader.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe("");
            if (i + 1 < steps.Length)
                steps[i + 1].SetResult();
        }

        (await reader.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBeNull();
        stack.StagingApi.Requests.ShouldHaveSingleItem().Headers["last-event-id"].ShouldBe("7");
    }

    [Fact]
    public async Task A_client_that_leaves_a_stream_ends_it_upstream()
    {
        var left = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(stagingApi: async context =>
        {
            context.RequestAborted.Register(left.SetResult);
            await context.Response.WriteAsync("data: 1\n\n");
            await context.Response.Body.FlushAsync();
            await left.Task;
            return true;
        });
        using var client = stack.Client();
        using (await client.SendAsync(Http.Request(HttpMethod.Get, "/api/v1/events"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
            left.Task.IsCompleted.ShouldBeFalse();

        await left.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_gateway_that_stops_ends_its_streams_in_order()
    {
        var ended = new TaskCompletionSource();
        await using var stack = await Stack.StartAsync(
            (_, settings) => settings["DRAIN_SECONDS"] = "3600",
            stagingApi: async context =>
            {
                context.RequestAborted.Register(ended.SetResult);
                await context.Response.WriteAsync("data: 1\n\n");
                await context.Response.Body.FlushAsync();
                await ended.Task;
                return true;
            });
        using var client = stack.Client();
        using var answer = await client.SendAsync(Http.Request(HttpMethod.Get, "/api/v1/events"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        // With an hour's grace this returns only because the stream does not take it.
        await stack.StopGatewayAsync().WaitAsync(TestContext.Current.CancellationToken);

        (await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldMatch(@"^data: 1\n\nretry: \d+\n\n$");
        await ended.Task.WaitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>A body of a type that the route takes, and what the webhook door wants to see.</summary>
    private static HttpRequestMessage Post(Stack stack, string path, HttpContent body)
    {
        body.Headers.ContentType = new(path.EndsWith("photos", StringComparison.Ordinal) ? "image/jpeg" : "application/json");
        return Http.Request(HttpMethod.Post, path, ("Stripe-Signature", Webhooks.Hook.Signature(stack))).With(body);
    }
}
