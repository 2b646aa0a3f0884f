using System.Net;
using HomeStage.Worker.Provider;
using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Worker.Tests.Provider;

/// <summary>A refusal of one call keeps the others from being made.</summary>
public sealed class ProviderPauseTests(TestServers servers)
{
    [Fact]
    public async Task Without_redis_a_worker_waits_out_what_it_was_told_itself()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["WORKER_CONCURRENCY"] = "1";
        var limiter = new Limiter(TimeSpan.FromSeconds(2));
        scene.Provider.Next(limiter.RefuseAsync);
        await scene.StartWorkerAsync();

        var first = await scene.SendNewAsync();
        (await scene.FailedAsync(first)).RetryAfterSeconds.ShouldBe(2);
        scene.Provider.Next(limiter.AdmitAsync);
        await scene.StagedAsync(await scene.SendNewAsync());

        limiter.TooEarly.ShouldBe(0);
    }

    [Fact]
    public async Task A_pause_holds_for_workers_that_were_not_told_and_nothing_is_claimed_meanwhile()
    {
        var redis = await servers.StartRedisAsync();
        await using var scene = await WorkerScene.SetAsync(servers, redis.Facts.Redis!.Connection);
        // A busy machine is not a Redis that is away.
        scene.Settings["REDIS_TIMEOUT_MS"] = "2000";
        scene.Provider.NextRefuses(429, "rate_limit_exceeded", headers: ("Retry-After", "600"));
        var told = await scene.StartWorkerAsync();
        await scene.FailedAsync(await scene.SendNewAsync());
        await told.StopAsync();
        var other = await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(
            () => other.Services.GetRequiredService<ProviderPause>().Reason == "provider_rate_limited", "the other worker knows of the pause");
        await other.StopAsync();

        scene.Api.Asked.ShouldAllBe(asked => asked.JobId != job);
        scene.Provider.Calls.Count.ShouldBe(1);
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 1, "the work is back in its queue");
        (await scene.ReadyAsync("staging-worker.stage-room_error")).ShouldBe(0u);
    }

    [Fact]
    public async Task Work_goes_on_beside_a_redis_that_is_frozen()
    {
        var redis = await servers.StartRedisAsync();
        await using var scene = await WorkerScene.SetAsync(servers, redis.Facts.Redis!.Connection);
        await scene.StartWorkerAsync();
        await scene.StagedAsync(await scene.SendNewAsync());

        redis.Redis!.Freeze();
        try
        {
            await scene.StagedAsync(await scene.SendNewAsync());
        }
        finally
        {
            redis.Redis.Thaw();
        }
    }

    [Fact]
    public async Task A_refused_key_makes_the_worker_unready_and_is_counted()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.NextRefuses(401, "invalid_api_key");
        await scene.StartWorkerAsync();
        using var client = new HttpClient { BaseAddress = scene.Management };

        await scene.FailedAsync(await scene.SendNewAsync());

        using var ready = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), TestContext.Current.CancellationToken);
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).ShouldContain("OPENAI_API_KEY");
        await scene.UntilMetricAsync("outcome=\"provider_unauthorized\"");
        await scene.UntilMetricAsync("homestage_worker_provider_paused{code=\"provider_unauthorized\"} 1");
    }

    /// <summary>Refuses one call, and tells whether another came before the time that it was told to wait was over.</summary>
    private sealed class Limiter(TimeSpan wait)
    {
        private long _refused;

        public int TooEarly { get; private set; }

        public async Task RefuseAsync(HttpContext context, int count)
        {
            _refused = TimeProvider.System.GetTimestamp();
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = wait.TotalSeconds.ToString();
            await context.Response.WriteAsJsonAsync(new { error = new { code = "rate_limit_exceeded" } });
        }

        public Task AdmitAsync(HttpContext context, int count)
        {
            if (TimeProvider.System.GetElapsedTime(_refused) < wait)
                TooEarly++;
            return FakeProvider.WriteAsync(context, Enumerable.Repeat(Pictures.Room, count));
        }
    }
}
