using System.Net;
using HomeStage.Hosting.Redis;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace HomeStage.Gateway.Tests.Limits;

public sealed class OpenStreamTests(SharedRedis redis)
{
    [Fact]
    public async Task Ten_streams_may_be_open_over_all_replicas_and_those_of_a_dead_one_stop_counting()
    {
        await using var stack = await Stack.StartAsync(
            (_, settings) =>
            {
                settings["LIMITS"] = "on";
                settings["LIMIT_STREAM"] = "1000/min burst 1000";
                settings["REDIS_CONNECTION"] = redis.Connection;
                settings["REDIS_TIMEOUT_MS"] = "10000";
                settings["TRUSTED_PROXIES"] = "127.0.0.1";
            },
            stagingApi: async context =>
            {
                await context.Response.WriteAsync("data: 1\n\n");
                await context.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return true;
            });
        await using var other = await stack.StartReplicaAsync();
        using var first = stack.Client();
        using var second = Stack.Client(new Uri(other.Urls.First()));
        var visitor = await first.VisitorAsync();
        Task<HttpResponseMessage> OpenAsync(HttpClient client, (string, string) from) => client.SendAsync(
            Http.Request(HttpMethod.Get, "/api/v1/events", ("Cookie", visitor.Cookie), from), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var connection = stack.Gateway.Services.GetRequiredService<RedisConnection>();
        var key = (RedisKey)$"hs:rl:open:s:{visitor.SessionId:N}";
        // Left by a gateway that died half a minute ago.
        await connection.RunAsync(
            database => database.SortedSetAddAsync(key, [.. Enumerable.Range(0, 10).Select(i => new SortedSetEntry($"dead{i}", 1))]), TestContext.Current.CancellationToken);

        var open = new List<HttpResponseMessage>();
        for (var i = 0; i < 10; i++)
            open.Add(await OpenAsync(i % 2 == 0 ? first : second, RateLimitTests.Address()));
        open.ShouldAllBe(answer => answer.StatusCode == HttpStatusCode.OK);

        using (var eleventh = await OpenAsync(second, RateLimitTests.Address()))
            await eleventh.ShouldBeProblemAsync(HttpStatusCode.TooManyRequests, "rate_limited");
        open[0].Dispose();
        await Eventually.Async(
            async () =>
            {
                var again = await OpenAsync(second, RateLimitTests.Address());
                open.Add(again);
                return again.StatusCode == HttpStatusCode.OK;
            },
            "a stream that was closed makes room");
        open.ForEach(answer => answer.Dispose());
        await other.StopAsync();
    }
}
