using HomeStage.Imaging;
using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Worker.Tests.Rendering;

/// <summary>What is shown of a picture that is still in the making.</summary>
public sealed class PreviewTests(TestServers servers)
{
    private static readonly Func<Task> AtOnce = () => Task.CompletedTask;

    private static object Partial(byte[] picture) => new { type = "image_edit.partial_image", b64_json = Convert.ToBase64String(picture), partial_image_index = 0 };

    private static object Completed(byte[] picture) => new
    {
        type = "image_edit.completed",
        b64_json = Convert.ToBase64String(picture),
        usage = new { input_tokens = 5, output_tokens = 6, total_tokens = 11 },
    };

    [Fact]
    public async Task A_partial_image_is_shown_small_and_labelled_before_the_picture_and_what_cannot_be_read_is_dropped()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        var seen = new TaskCompletionSource();
        scene.Provider.NextStreams(
            ("image_edit.partial_image", Partial("no picture"u8.ToArray()), () => scene.UntilMetricAsync("homestage_worker_previews_total{outcome=\"dropped\"} 1")),
            ("image_edit.partial_image", Partial(Pictures.OfSize(1408, 1056)), () => seen.Task),
            ("image_edit.completed", Completed(Pictures.OfSize(1408, 1056)), AtOnce));
        await scene.StartWorkerAsync();

        var job = await scene.SendNewAsync();
        var preview = await Eventually.ValueAsync(
            () => Task.FromResult(scene.Api.ResultsOf<RenderProgressed>(job).FirstOrDefault(progress => progress.PreviewBlob is not null)), "a preview is told");
        seen.SetResult();
        var staged = await scene.StagedAsync(job);

        (preview.Phase, preview.Attempt, preview.PreviewBlob).ShouldBe(("rendering", 1, $"{job}/1/preview-2.jpg"));
        var bytes = await Read(scene, preview.PreviewBlob!);
        ImageMediaType.Of(bytes).ShouldBe(ImageMediaType.Jpeg);
        bytes.Length.ShouldBeLessThan((await Read(scene, staged.Outputs.ShouldHaveSingleItem().LabeledBlob)).Length / 2);
        (staged.Usage.InputTokens, staged.Usage.OutputTokens, staged.Usage.RequestId).ShouldBe((5, 6, "req_of_test"));
        var call = scene.Provider.Calls.ShouldHaveSingleItem();
        (call.Fields["stream"], call.Fields["partial_images"], call.Fields["n"]).ShouldBe(("true", "2", "1"));
    }

    [Fact]
    public async Task A_stream_without_a_whole_picture_is_none_and_may_have_cost()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        await scene.StartWorkerAsync();
        // What pauses all workers comes last.
        (string How, string Expected, bool Retryable)[] cases =
        [
            ("end", "provider_connection_lost", true),
            ("cut", "provider_connection_lost", true),
            ("nonsense", "provider_malformed", true),
            ("moderation_blocked", "moderation_blocked", false),
            ("server_error", "provider_unavailable", true),
            ("rate_limit_exceeded", "provider_rate_limited", true),
        ];

        foreach (var (how, expected, retryable) in cases)
        {
            Prepare(scene.Provider, how);
            var failed = await scene.FailedAsync(await scene.SendNewAsync());

            (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe((expected, retryable, true), how);
            failed.ToString().ShouldNotContain("own words");
        }

        scene.Provider.Calls.Count.ShouldBe(cases.Length);
    }

    [Fact]
    public async Task Several_pictures_are_not_streamed()
    {
        await using var scene = await WorkerScene.SetAsync(servers);
        scene.Api.Missing = 2;
        await scene.StartWorkerAsync();

        var work = await scene.WorkAsync();
        await scene.SendAsync(work with { Options = work.Options with { Format = "webp", Size = "1024x1024" } });
        var staged = await scene.StagedAsync(work.JobId);

        var call = scene.Provider.Calls.ShouldHaveSingleItem();
        call.Fields.ContainsKey("stream").ShouldBeFalse();
        (call.Fields["output_format"], call.Fields["size"]).ShouldBe(("webp", "1024x1024"));
        var picture = staged.Outputs[0];
        (picture.MediaType, picture.CleanBlob, picture.ThumbBlob).ShouldBe((ImageMediaType.WebP, $"{work.JobId}/1/1-clean.webp", $"{work.JobId}/1/1-thumb.jpg"));
        ImageMediaType.Of(await Read(scene, picture.LabeledBlob)).ShouldBe(ImageMediaType.WebP);
    }

    private static void Prepare(FakeProvider provider, string how)
    {
        var partial = ("image_edit.partial_image", Partial(Pictures.OfSize(1408, 1056)), AtOnce);
        if (how == "cut")
        {
            provider.Next(async (context, _) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("event: image_edit.completed\ndata: {\"type\":\"image_edit.completed\",\"b64_json\":\"AAAA", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                context.Abort();
            });
            return;
        }

        provider.NextStreams(how switch
        {
            "end" => [partial],
            "nonsense" => [partial, ("image_edit.completed", 7, AtOnce)],
            _ => [partial, ("error", new { type = "error", error = new { type = "image_generation_error", code = how, message = "the provider's own words" } }, AtOnce)],
        });
    }

    private static async Task<byte[]> Read(WorkerScene scene, string key)
    {
        await using var blob = await scene.Blobs.OpenAsync(key, TestContext.Current.CancellationToken);
        return await blob.ShouldNotBeNull().ReadAllAsync(TestContext.Current.CancellationToken);
    }
}
