using HomeStage.Hosting.Redis;
using HomeStage.Worker.Provider;
using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace HomeStage.Worker.Tests.Provider;

/// <summary>A provider that is down is not asked again and again.</summary>
public sealed class ProviderBreakerTests(TestServers servers)
{
    [Fact]
    public async Task Failures_in_a_row_pause_all_workers_and_then_one_call_tries()
    {
        var redis = await servers.StartRedisAsync();
        await using var scene = await WorkerScene.SetAsync(servers, redis.Facts.Redis!.Connection);
        scene.Settings["REDIS_TIMEOUT_MS"] = "5000";
        var first = await scene.StartWorkerAsync();
        await FailAsync(scene, ProviderBreaker.Threshold);
        first.Services.GetRequiredService<ProviderPause>().Reason.ShouldBe("provider_unavailable");
        await scene.UntilMetricAsync("homestage_worker_provider_paused{code=\"provider_unavailable\"} 1");
        await first.StopAsync();

        // Others did not see the failures; the pause is over for them, and the failures are not forgotten.
        await RunAsync(first, database => database.KeyDeleteAsync(ProviderPause.Key));
        scene.Provider.Hold = new TaskCompletionSource();
        scene.Settings["WORKER_CONCURRENCY"] = "3";
        var second = await scene.StartWorkerAsync();
        Guid[] jobs = [await scene.SendNewAsync(), await scene.SendNewAsync(), await scene.SendNewAsync()];
        await Eventually.Async(() => scene.Provider.InFlight == 1, "one call tries");
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 0, "the other deliveries wait with the worker");
        scene.Provider.Hold.SetResult();
        foreach (var job in jobs)
            await scene.StagedAsync(job);

        scene.Provider.Calls.Count.ShouldBe(ProviderBreaker.Threshold + 3);
        (await RunAsync(second, database => database.KeyExistsAsync(ProviderBreaker.FailuresKey))).ShouldBeFalse("a success closes it");
    }

    [Fact]
    public async Task Without_redis_a_worker_counts_for_itself_and_a_success_begins_anew()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        var worker = await scene.StartWorkerAsync();
        var pause = worker.Services.GetRequiredService<ProviderPause>();

        await FailAsync(scene, ProviderBreaker.Threshold - 1);
        await scene.StagedAsync(await scene.SendNewAsync());
        await FailAsync(scene, ProviderBreaker.Threshold - 1);
        pause.Reason.ShouldBeNull();
        await FailAsync(scene, 1);

        pause.Reason.ShouldBe("provider_unavailable");
    }

    [Fact]
    public async Task A_delivery_that_needs_no_call_leaves_the_try_to_the_next()
    {
        var redis = await servers.StartRedisAsync();
        await using var scene = await WorkerScene.SetAsync(servers, redis.Facts.Redis!.Connection);
        scene.Settings["REDIS_TIMEOUT_MS"] = "5000";
        var worker = await scene.StartWorkerAsync();
        var breaker = worker.Services.GetRequiredService<ProviderBreaker>();
        await RunAsync(worker, database => database.StringSetAsync(ProviderBreaker.FailuresKey, ProviderBreaker.Threshold));
        scene.Api.Instead = (_, _, _) => scene.Api.Say("finished");

        await scene.SendNewAsync();
        await Eventually.Async(() => !scene.Api.Asked.IsEmpty, "the job is claimed");
        // By itself the try ends after half a minute.
        await Eventually.Async(async () => !await ProbedAsync(), "nobody was called", TimeSpan.FromSeconds(20));

        await using (var called = await breaker.EnterAsync(Stop))
            called.Take();
        (await ProbedAsync()).ShouldBeTrue();
        await RunAsync(worker, database => database.KeyDeleteAsync(ProviderBreaker.ProbeKey));
        await using (await breaker.EnterAsync(Stop))
            await RunAsync(worker, database => database.StringSetAsync(ProviderBreaker.ProbeKey, "another"));
        (await ProbedAsync()).ShouldBeTrue("it is another's by now");

        Task<bool> ProbedAsync() => RunAsync(worker, database => database.KeyExistsAsync(ProviderBreaker.ProbeKey));
    }

    [Fact]
    public async Task Without_redis_a_try_that_was_not_made_is_given_back_too()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        var worker = await scene.StartWorkerAsync();
        var clock = new StandingClock();
        var redis = worker.Services.GetRequiredService<RedisConnection>();
        var pause = new ProviderPause(redis, worker.Services.GetRequiredService<WorkerMetrics>(), clock, NullLogger<ProviderPause>.Instance);
        var breaker = new ProviderBreaker(redis, pause, clock);
        for (var time = 0; time < ProviderBreaker.Threshold; time++)
            await breaker.FailedAsync(Stop);
        clock.Now += TimeSpan.FromMinutes(1);

        await using (await breaker.EnterAsync(Stop))
        {
        }

        // By a clock that stands still it would wait for ever.
        await using var next = await breaker.EnterAsync(Stop).WaitAsync(TimeSpan.FromSeconds(20), Stop);
    }

    [Theory]
    [InlineData(5, 10)]
    [InlineData(6, 20)]
    [InlineData(8, 80)]
    [InlineData(9, 120)]
    [InlineData(5000, 120)]
    public void The_pause_doubles_up_to_two_minutes(long failures, double seconds) =>
        ProviderBreaker.PauseAfter(failures).ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData(1000, 2000, 7250L)]
    [InlineData(0, 1, 3L)]
    [InlineData(null, 2000, null)]
    public void Tokens_cost_what_the_prices_say(int? input, int? output, long? microdollars) =>
        new TokenPrices(Input: 1.25m, Output: 3m).Of(input, output).ShouldBe(microdollars);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task FailAsync(WorkerScene scene, int times)
    {
        for (var time = 0; time < times; time++)
        {
            scene.Provider.NextRefuses(503);
            await scene.FailedAsync(await scene.SendNewAsync());
        }
    }

    private static Task<T> RunAsync<T>(WebApplication worker, Func<StackExchange.Redis.IDatabase, Task<T>> command) =>
        worker.Services.GetRequiredService<RedisConnection>().RunAsync(command, TestContext.Current.CancellationToken);

    /// <summary>Stands still until it is moved.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
