using System.Text.Json;
using HomeStage.Imaging;
using HomeStage.Storage;
using HomeStage.Worker.Rendering;
using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Worker.Tests.Rendering;

/// <summary>What becomes of work, from its message to the messages that follow.</summary>
public sealed class AttemptTests(TestServers servers)
{
    [Fact]
    public async Task Work_becomes_files_a_manifest_and_one_result()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        var staged = await scene.StagedAsync(job);

        var picture = staged.Outputs.ShouldHaveSingleItem();
        picture.CleanBlob.ShouldBe($"{job}/1/1-clean.jpg");
        (picture.Width * 1200.0 / picture.Height).ShouldBe(1600, 2);
        foreach (var key in (string[])[picture.CleanBlob, picture.LabeledBlob, picture.ThumbBlob])
            ImageMediaType.Of(await BytesAsync(scene, key)).ShouldBe(picture.MediaType);
        using var manifest = JsonDocument.Parse(await BytesAsync(scene, $"{job}/1/result.json"));
        manifest.RootElement.GetProperty("outputs").GetArrayLength().ShouldBe(1);
        staged.Usage.ShouldBe(new ProviderUsage
        {
            Model = "gpt-image-2.5-sunburst",
            RequestId = "req_of_test",
            InputTokens = 11,
            OutputTokens = 22,
            DurationMilliseconds = staged.Usage.DurationMilliseconds,
        });
        scene.Api.Results.Select(result => result.Message).OfType<RoomStaged>().Count().ShouldBe(1);
        // These come by another queue than the result.
        await Eventually.Async(() => scene.Api.ResultsOf<RenderProgressed>(job).Count() == 3, "every phase was told");
        scene.Api.ResultsOf<RenderProgressed>(job).Select(progress => progress.Phase).Order().ShouldBe(["finishing", "preparing", "rendering"]);
    }

    [Fact]
    public async Task The_provider_is_asked_in_its_own_terms()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Missing = 3;
        await scene.StartWorkerAsync();

        var staged = await scene.StagedAsync(await scene.SendNewAsync());

        staged.Outputs.Count.ShouldBe(3);
        var call = scene.Provider.Calls.ShouldHaveSingleItem();
        call.Fields["model"].ShouldBe("gpt-image-2.5-sunburst");
        call.Fields["n"].ShouldBe("3");
        call.Fields["size"].ShouldBe("1408x1056");
        call.Fields["quality"].ShouldBe("medium");
        call.Fields.ContainsKey("input_fidelity").ShouldBeFalse();
        call.Fields["safety_identifier"].ShouldBe("safety-of-test");
        call.Fields["prompt"].ShouldContain("living room");
        call.Authorization.ShouldBe("Bearer sk-of-the-test-0123");
        call.FileType.ShouldBe("image/jpeg");
        ImageMediaType.Of(call.File).ShouldBe("image/jpeg");
    }

    [Fact]
    public async Task A_room_of_a_listing_is_made_to_resemble_the_first_where_that_can_be_shown()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        await scene.StartWorkerAsync();
        await scene.Blobs.PutAsync("first/1/1-clean.jpg", Pictures.Room, "image/jpeg");
        await scene.Blobs.PutAsync("broken/1/1-clean.jpg", new byte[] { 1, 2, 3 }, "image/jpeg");

        async Task<ProviderCall> CallAsync(string? reference)
        {
            var work = await scene.WorkAsync() with { OfSeveral = true, ReferenceBlob = reference };
            await scene.SendAsync(work);
            await scene.StagedAsync(work.JobId);
            scene.Provider.Calls.TryDequeue(out var call).ShouldBeTrue();
            return call;
        }

        var shown = await CallAsync("first/1/1-clean.jpg");
        shown.Pictures.Select(picture => picture.Field).ShouldBe(["image[]", "image[]"]);
        ImageMediaType.Of(shown.Pictures[1].Bytes).ShouldBe("image/jpeg");
        shown.Fields["prompt"].ShouldContain("Two pictures are given");
        // The first of a listing, and what has no other picture to go by: never worth failing for.
        foreach (var reference in (string?[])[null, "gone/1/1-clean.jpg", "broken/1/1-clean.jpg"])
        {
            var alone = await CallAsync(reference);
            alone.Pictures.ShouldHaveSingleItem().Field.ShouldBe("image");
            alone.Fields["prompt"].ShouldContain("one of several rooms of the same home");
        }
    }

    [Fact]
    public async Task Message_delivered_twice_calls_the_provider_once()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();
        var work = await scene.WorkAsync();

        await scene.SendAsync(work);
        await scene.SendAsync(work);
        await Eventually.Async(() => ClaimIds(scene).Count == 2, "both deliveries have claimed");
        scene.Provider.Hold.SetResult();
        await scene.StagedAsync(work.JobId);
        await scene.SendAsync(work);
        await Eventually.Async(() => ClaimIds(scene).Count == 3, "the late delivery has claimed");
        await scene.StagedAsync(await scene.SendNewAsync());

        scene.Provider.Calls.Count.ShouldBe(2, "one for each of the two jobs");
        scene.Api.ResultsOf<RoomStaged>(work.JobId).Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("canceled")]
    [InlineData("finished")]
    [InlineData("leased")]
    public async Task A_claim_that_is_refused_ends_the_delivery(string decision)
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Instead = (_, _, _) => scene.Api.Say(decision);
        var worker = await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Api.Asked.Any(asked => asked.JobId == job), "the job was claimed");
        await worker.StopAsync();

        (await scene.ReadyAsync("staging-worker.stage-room")).ShouldBe(0u);
        scene.Provider.Calls.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_job_that_staging_api_no_longer_knows_ends_the_delivery()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Instead = (_, _, _) => TypedResults.NotFound();
        var worker = await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Api.Asked.Any(asked => asked.JobId == job), "the job was claimed");
        await worker.StopAsync();

        (await scene.ReadyAsync("staging-worker.stage-room")).ShouldBe(0u);
    }

    [Fact]
    public async Task A_delivery_keeps_its_claim_while_staging_api_is_away()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Instead = (_, verb, _) => verb == "claim" && scene.Api.Asked.Count < 3 ? TypedResults.StatusCode(503) : null;
        await scene.StartWorkerAsync();

        await scene.StagedAsync(await scene.SendNewAsync());

        scene.Api.Asked.Count(asked => asked.Verb == "claim").ShouldBe(3);
        ClaimIds(scene).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Stop_aborts_the_provider_call_and_says_nothing()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.LeaseSeconds = 3;
        scene.Provider.Hold = new TaskCompletionSource();
        var worker = await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.InFlight == 1, "the provider was called");
        scene.Api.Instead = (_, verb, _) => verb == "renew" ? scene.Api.Say("stop") : null;

        await Eventually.Async(() => scene.Provider.InFlight == 0, "the call was aborted");
        await worker.StopAsync();
        (await scene.ReadyAsync("staging-worker.stage-room")).ShouldBe(0u);
        scene.Api.ResultsOf<StagingFailed>(job).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lease_that_cannot_be_renewed_aborts_the_provider_call()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.LeaseSeconds = 2;
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Provider.InFlight == 1, "the provider was called");
        scene.Api.Instead = (_, verb, _) => verb == "renew" ? TypedResults.StatusCode(503) : null;

        await Eventually.Async(() => scene.Provider.InFlight == 0, "the call was aborted");
        scene.Api.ResultsOf<StagingFailed>(job).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_lease_is_kept_for_as_long_as_the_provider_takes()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.LeaseSeconds = 1;
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Api.Asked.Count(asked => asked.Verb == "renew") > 4, "the lease was renewed beyond its length");
        scene.Provider.Hold.SetResult();

        (await scene.StagedAsync(job)).Outputs.Count.ShouldBe(1);
        ClaimIds(scene).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_lease_that_ends_after_the_answer_is_counted_and_the_pictures_are_delivered()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.LeaseSeconds = 1;
        await scene.UnbindAsync("RoomStaged", "staging-api.room-staged");
        await scene.StartWorkerAsync();
        var job = await scene.SendNewAsync();
        await Eventually.Async(() => scene.Blobs.ExistsAsync($"{job}/1/result.json"), "the pictures were made");

        var stopped = new TaskCompletionSource();
        scene.Api.Instead = (_, verb, _) =>
        {
            if (verb != "renew")
                return null;
            stopped.TrySetResult();
            return scene.Api.Say("stop");
        };
        await Eventually.Async(() => stopped.Task.IsCompleted, "the lease was taken away");
        await scene.BindAsync("RoomStaged", "staging-api.room-staged");

        (await scene.StagedAsync(job)).Outputs.Count.ShouldBe(1);
        await scene.UntilMetricAsync("homestage_worker_leases_ended_total{reason=\"stopped\"} 1");
    }

    [Fact]
    public async Task One_picture_that_cannot_be_read_costs_only_itself()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Missing = 3;
        scene.Provider.Next((context, _) => FakeProvider.WriteAsync(context, Pictures.Room, "no image"u8.ToArray(), Pictures.Room));
        await scene.StartWorkerAsync();

        var staged = await scene.StagedAsync(await scene.SendNewAsync());

        staged.Outputs.Select(output => output.CleanBlob.Split('/')[2]).ShouldBe(["1-clean.jpg", "2-clean.jpg"]);
    }

    [Fact]
    public async Task No_more_calls_run_at_once_than_configured()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["WORKER_CONCURRENCY"] = "3";
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();

        var jobs = new List<Guid>();
        for (var sent = 0; sent < 8; sent++)
            jobs.Add(await scene.SendNewAsync());
        await Eventually.Async(() => scene.Provider.InFlight == 3, "as many calls run as are allowed");
        (await scene.ReadyAsync("staging-worker.stage-room")).ShouldBe(5u, "no more is taken from the queue than can be worked on");
        scene.Provider.Hold.SetResult();
        foreach (var job in jobs)
            await scene.StagedAsync(job);

        scene.Provider.MostInFlight.ShouldBe(3);
    }

    [Fact]
    public void Message_ids_follow_from_what_is_said()
    {
        var job = Guid.CreateVersion7();

        AttemptMessages.IdOf(job, 1, "staged", 0).ShouldBe(AttemptMessages.IdOf(job, 1, "staged", 0));
        new[] { AttemptMessages.IdOf(job, 1, "staged", 0), AttemptMessages.IdOf(job, 2, "staged", 0), AttemptMessages.IdOf(job, 1, "failed", 0), AttemptMessages.IdOf(job, 1, "staged", 1) }
            .ShouldBeUnique();
        AttemptMessages.IdOf(job, 1, "staged", 0).Version.ShouldBe(8);
    }

    private static async Task<byte[]> BytesAsync(WorkerScene scene, string key)
    {
        await using var blob = await scene.Blobs.OpenAsync(key, TestContext.Current.CancellationToken);
        return await blob.ShouldNotBeNull().ReadAllAsync(TestContext.Current.CancellationToken);
    }

    private static HashSet<Guid> ClaimIds(WorkerScene scene) =>
        [.. scene.Api.Asked.Where(asked => asked.Verb == "claim").Select(asked => asked.Request.ClaimId)];
}
