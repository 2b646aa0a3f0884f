using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Worker.Tests.Provider;

/// <summary>What the provider does to a real call, and the message that the job gets.</summary>
public sealed class ProviderFaultTests(TestServers servers)
{
    [Theory]
    [InlineData(400, "moderation_blocked", "moderation_blocked", false, false)]
    [InlineData(400, "invalid_value", "provider_rejected", false, false)]
    [InlineData(401, "invalid_api_key", "provider_unauthorized", true, false)]
    [InlineData(403, null, "provider_unauthorized", true, false)]
    [InlineData(409, null, "provider_unavailable", true, true)]
    [InlineData(429, "insufficient_quota", "provider_quota_exhausted", true, false)]
    [InlineData(500, "server_error", "provider_unavailable", true, true)]
    public async Task A_refusal_is_told_in_our_words_after_one_call(int status, string? code, string expected, bool retryable, bool mayHaveCost)
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.NextRefuses(status, code);
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe((expected, retryable, mayHaveCost));
        scene.Provider.Calls.Count.ShouldBe(1);
        failed.ToString().ShouldNotContain("own words");
    }

    [Fact]
    public async Task Retry_after_of_an_overloaded_provider_is_passed_on()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.NextRefuses(503, headers: ("Retry-After", "17"));
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        failed.RetryAfterSeconds.ShouldBe(17);
    }

    public static TheoryData<string, string> Oddities => new()
    {
        { "{\"created\":1,\"data\":[{\"b64_json\":\"AAAA", "provider_malformed" },
        { "{\"created\":1,\"data\":[]}", "provider_no_picture" },
        { "{\"created\":1,\"data\":[{\"b64_json\":\"bm90IGFuIGltYWdl\"}]}", "provider_no_picture" },
    };

    [Theory]
    [MemberData(nameof(Oddities))]
    public async Task A_success_without_pictures_may_have_cost_and_is_tried_again(string body, string expected)
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.NextSays(body);
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe((expected, true, true));
    }

    [Fact]
    public async Task A_connection_cut_after_sending_may_have_cost()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.Next((context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        });
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe(("provider_connection_lost", true, true));
        scene.Provider.Calls.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_connection_cut_in_the_middle_of_the_answer_may_have_cost()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Provider.Next(async (context, _) =>
        {
            context.Response.ContentLength = 100_000;
            await context.Response.WriteAsync("{\"data\":[");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.MayHaveCost).ShouldBe(("provider_connection_lost", true));
    }

    [Fact]
    public async Task A_provider_that_cannot_be_reached_cost_nothing()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["OPENAI_BASE_URL"] = "http://127.0.0.1:1/v1";
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe(("provider_unreachable", true, false));
    }

    [Fact]
    public async Task A_provider_that_hangs_is_given_up_and_may_have_cost()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["PROVIDER_TIMEOUT_SECONDS"] = "10";
        scene.Provider.Hold = new TaskCompletionSource();
        await scene.StartWorkerAsync();

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe(("provider_timeout", true, true));
        await Eventually.Async(() => scene.Provider.InFlight == 0, "the call was aborted");
    }

    [Fact]
    public async Task An_answer_that_trickles_is_given_up_when_the_whole_time_is_over()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["PROVIDER_TIMEOUT_SECONDS"] = "2";
        scene.Provider.Next(async (context, _) =>
        {
            using var everySoOften = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while (await everySoOften.WaitForNextTickAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync(" ", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        });
        await scene.StartWorkerAsync();

        (await scene.FailedAsync(await scene.SendNewAsync())).Code.ShouldBe("provider_timeout");
    }

    [Fact]
    public async Task A_photo_that_is_gone_fails_without_a_call()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        await scene.StartWorkerAsync();
        var work = await scene.WorkAsync();
        await scene.Blobs.DeleteAsync(work.OriginalBlob, TestContext.Current.CancellationToken);

        await scene.SendAsync(work);
        var failed = await scene.FailedAsync(work.JobId);

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe(("photo_missing", false, false));
        scene.Provider.Calls.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(99, "living_room", "prompt_version_unknown", true)]
    [InlineData(1, "ballroom", "options_unknown", false)]
    public async Task Work_that_this_build_does_not_understand_fails_without_a_call(int version, string room, string expected, bool retryable)
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        await scene.StartWorkerAsync();
        var work = await scene.WorkAsync();

        await scene.SendAsync(work with { PromptVersion = version, Options = work.Options with { Room = room } });
        var failed = await scene.FailedAsync(work.JobId);

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe((expected, retryable, false));
        scene.Provider.Calls.ShouldBeEmpty();
    }
}
