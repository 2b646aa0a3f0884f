using HomeStage.Worker.Tests.Scene;

namespace HomeStage.Worker.Tests.Rendering;

/// <summary>The end of a process.</summary>
public sealed class DrainingTests(TestServers servers)
{
    [Fact]
    public async Task Sigterm_finishes_what_is_in_flight_and_takes_nothing_new()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["WORKER_CONCURRENCY"] = "1";
        scene.Settings["DRAIN_SECONDS"] = "120";
        scene.Provider.Hold = new TaskCompletionSource();
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.InFlight == 1, "the provider was called");
        var waiting = await scene.SendNewAsync();

        process.Terminate();
        await Eventually.Async(scene.IsUnreadyAsync, "the worker takes no more work");
        scene.Provider.Hold.SetResult();

        await scene.StagedAsync(job);
        (await process.Exited).ShouldBe(0);
        scene.Api.Asked.ShouldAllBe(asked => asked.JobId != waiting);
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 1, "the other work is back in its queue");
    }

    [Fact]
    public async Task What_does_not_finish_in_time_is_let_go_of_without_a_word()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["DRAIN_SECONDS"] = "2";
        scene.Provider.Hold = new TaskCompletionSource();
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.InFlight == 1, "the provider was called");

        await process.StopAsync();

        scene.Api.ResultsOf<StagingFailed>(job).ShouldBeEmpty();
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 1, "the work is back in its queue");
        (await scene.ReadyAsync("staging-worker.stage-room_error")).ShouldBe(0u);
    }

    [Fact]
    public async Task A_worker_that_waits_for_staging_api_stops_at_once_and_puts_the_work_back()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["DRAIN_SECONDS"] = "600";
        scene.Api.Instead = (_, _, _) => Microsoft.AspNetCore.Http.TypedResults.StatusCode(503);
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Api.Asked.Any(asked => asked.JobId == job), "the job was claimed");

        process.Terminate();

        (await process.Exited).ShouldBe(0);
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 1, "the work is back in its queue");
    }

    [Fact]
    public async Task A_consumer_whose_connection_was_lost_is_waited_for_and_still_tells_its_result()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["WORKER_CONCURRENCY"] = "1";
        scene.Settings["DRAIN_SECONDS"] = "120";
        scene.Provider.Hold = new TaskCompletionSource();
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.InFlight == 1, "the provider was called");
        await scene.CloseConnectionsAsync("staging-worker");
        await Eventually.Async(() => process.Output.Contains("consumer_let_go", StringComparison.Ordinal), "the consumer was let go of");
        await Eventually.Async(async () => await scene.ConsumersAsync("staging-worker.stage-room") == 1, "the worker is connected again");

        process.Terminate();
        await Eventually.Async(scene.IsUnreadyAsync, "the worker takes no more work");
        scene.Provider.Hold.SetResult();

        (await scene.StagedAsync(job)).Outputs.Count.ShouldBe(1);
        (await process.Exited).ShouldBe(0);
        scene.Provider.Calls.Count.ShouldBe(1);
        await Eventually.Async(async () => await scene.ReadyAsync("staging-worker.stage-room") == 1, "the work is back in its queue, for somebody to find it done");
        (await scene.ReadyAsync("staging-worker.stage-room_error")).ShouldBe(0u);
    }
}
