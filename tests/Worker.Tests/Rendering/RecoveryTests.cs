using HomeStage.Hosting.Messaging;
using HomeStage.Worker.Outputs;
using HomeStage.Worker.Provider;
using HomeStage.Worker.Rendering;
using HomeStage.Worker.Tests.Scene;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace HomeStage.Worker.Tests.Rendering;

/// <summary>Pictures that were paid for are delivered, whoever died in between.</summary>
public sealed class RecoveryTests(TestServers sharedServers)
{
    [Fact]
    public async Task Killed_between_answer_and_message_the_next_delivery_delivers_without_a_second_call()
    {
        await using var scene = await WorkerScene.SetAsync(sharedServers);
        await scene.UnbindAsync("RoomStaged", "staging-api.room-staged");
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Blobs.ExistsAsync($"{job}/1/result.json"), "the manifest is written");

        await process.KillAsync();
        scene.Api.ExpireLease(job);
        await scene.BindAsync("RoomStaged", "staging-api.room-staged");
        await scene.StartWorkerAsync();

        (await scene.StagedAsync(job)).Attempt.ShouldBe(1);
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_later_attempt_delivers_what_an_earlier_one_left_behind()
    {
        await using var scene = await WorkerScene.SetAsync(sharedServers);
        await scene.UnbindAsync("RoomStaged", "staging-api.room-staged");
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Blobs.ExistsAsync($"{job}/1/result.json"), "the manifest is written");
        await process.KillAsync();
        await scene.BindAsync("RoomStaged", "staging-api.room-staged");
        scene.Api.Instead = (_, _, request) => request.Attempt == 1 ? scene.Api.Say("leased") : null;
        scene.Api.ExpireLease(job);
        await scene.StartWorkerAsync();

        await scene.SendAsync(await scene.WorkAsync(job, attempt: 2));

        (await scene.StagedAsync(job)).Attempt.ShouldBe(1, "the result is the earlier attempt's, under its own message id");
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_failure_that_the_broker_does_not_take_is_left_to_the_lease_and_the_provider_is_not_called_again()
    {
        await using var scene = await WorkerScene.SetAsync(sharedServers);
        await scene.UnbindAsync("StagingFailed", "staging-api.staging-failed");
        scene.Provider.NextRefuses(503);
        var worker = await scene.StartWorkerAsync(services => services.AddSingleton(worker => new AttemptMessages(
            worker.GetRequiredService<BusPublisher>(), new HastyClock(), NullLogger<AttemptMessages>.Instance)));

        var stop = TestContext.Current.CancellationToken;
        var outcome = await worker.Services.GetRequiredService<RenderAttempt>().MakeAsync(await scene.WorkAsync(), missing: 1, new ProviderTurn(giveBack: null), stop, stop);

        outcome.ShouldBe("provider_unavailable", "an exception would have the delivery tried again in place");
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_result_is_said_again_until_the_broker_has_it()
    {
        await using var scene = await WorkerScene.SetAsync(sharedServers);
        await scene.UnbindAsync("RoomStaged", "staging-api.room-staged");
        await scene.StartWorkerAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Blobs.ExistsAsync($"{job}/1/result.json"), "the manifest is written");
        scene.Api.ResultsOf<RoomStaged>(job).ShouldBeEmpty();

        await scene.BindAsync("RoomStaged", "staging-api.room-staged");

        await scene.StagedAsync(job);
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Killed_while_the_provider_works_the_next_claim_calls_again()
    {
        await using var scene = await WorkerScene.SetAsync(sharedServers);
        scene.Provider.Hold = new TaskCompletionSource();
        await using var process = await scene.StartWorkerProcessAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.Calls.Count == 1, "the provider was called");

        await process.KillAsync();
        scene.Api.ExpireLease(job);
        scene.Provider.Hold.SetResult();
        await scene.StartWorkerAsync();

        await scene.StagedAsync(job);
        scene.Provider.Calls.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_broker_killed_while_the_provider_works_costs_no_second_picture()
    {
        var servers = await sharedServers.StartRabbitMqAsync();
        await using var scene = await WorkerScene.SetAsync(sharedServers, broker: servers.Facts.RabbitMq);
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.Calls.Count == 1, "the provider was called");

        await servers.RabbitMq!.KillAsync();
        scene.Provider.Hold.SetResult();
        await Eventually.Async(() => scene.Blobs.ExistsAsync($"{job}/1/result.json"), "the manifest is written");
        await servers.RabbitMq.StartAgainAsync(TestContext.Current.CancellationToken);

        (await scene.StagedAsync(job, TimeSpan.FromMinutes(3))).Outputs.Count.ShouldBe(1);
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("", 1, 4, 0, 4)]
    [InlineData("1:4:4", 1, 4, 1, 0)]
    [InlineData("1:4:2", 1, 4, 1, 0)]
    [InlineData("1:4:2", 2, 2, 0, 2)]
    [InlineData("1:4:2", 2, 4, 1, 2)]
    [InlineData("1:1:1", 2, 1, 1, 0)]
    [InlineData("1:4:2 2:2:1", 3, 1, 0, 1)]
    [InlineData("1:4:2 2:2:1", 3, 2, 2, 1)]
    [InlineData("1:4:2 2:4:4", 3, 4, 2, 0)]
    public void What_was_made_and_not_delivered_is_not_made_again(string made, int attempt, int missing, int deliver, int call)
    {
        Manifest[] manifests = [.. made.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];

        var plan = Recovery.Plan(manifests, attempt, missing);

        (plan.Deliver.Count, plan.Missing).ShouldBe((deliver, call));
    }

    // attempt:missing then:pictures made
    private static Manifest Parse(string text)
    {
        var parts = text.Split(':').Select(int.Parse).ToArray();
        var picture = new RenderedPicture { CleanBlob = "c", LabeledBlob = "l", ThumbBlob = "t", Width = 1, Height = 1, MediaType = "image/jpeg" };
        return new Manifest
        {
            JobId = Guid.Empty,
            Attempt = parts[0],
            Missing = parts[1],
            Outputs = [.. Enumerable.Repeat(picture, parts[2])],
            Usage = new ProviderUsage { Model = "m", DurationMilliseconds = 1 },
        };
    }

    /// <summary>Waits for nothing.</summary>
    private sealed class HastyClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
