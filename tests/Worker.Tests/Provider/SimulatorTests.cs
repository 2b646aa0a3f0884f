using HomeStage.Imaging;
using HomeStage.Worker.Tests.Scene;

namespace HomeStage.Worker.Tests.Provider;

/// <summary>The same worker against the project's simulator of OpenAI, which checks requests as the real one does.</summary>
public sealed class SimulatorTests(TestServers servers, OpenAiSimulator simulator) : IClassFixture<OpenAiSimulator>
{
    [Theory]
    [InlineData("gpt-image-2.5-sunburst", "high")]
    [InlineData("gpt-image-1.5", "standard")]
    [InlineData("gpt-image-1-mini", "draft")]
    public async Task Each_kind_of_model_takes_what_it_is_asked(string model, string quality)
    {
        await using var scene = await SetAsync();
        scene.Settings["OPENAI_MODEL"] = model;
        scene.Settings["OPENAI_INPUT_PRICE"] = "5";
        scene.Settings["OPENAI_OUTPUT_PRICE"] = "40.00";
        scene.Api.Missing = 2;
        await scene.StartWorkerAsync();
        var work = await scene.WorkAsync();

        await scene.SendAsync(work with { Options = work.Options with { Quality = quality } });
        var staged = await scene.StagedAsync(work.JobId);

        staged.Outputs.Count.ShouldBe(2);
        (staged.Outputs[0].Width * 1200.0 / staged.Outputs[0].Height).ShouldBe(1600, 2);
        staged.Usage.OutputTokens.ShouldNotBeNull().ShouldBeGreaterThan(0);
        staged.Usage.RequestId.ShouldNotBeNull().ShouldStartWith("req_");
        staged.Usage.CostMicrodollars.ShouldBe((5 * staged.Usage.InputTokens) + (40 * staged.Usage.OutputTokens));
        (await simulator.StatsAsync()).GetProperty("calls").GetInt32().ShouldBe(1);
    }

    [Theory]
    [InlineData("{\"kind\":\"moderation\"}", "moderation_blocked", false, false)]
    [InlineData("{\"kind\":\"status\",\"status\":503,\"retryAfter\":3}", "provider_unavailable", true, true)]
    [InlineData("{\"kind\":\"status\",\"status\":429,\"code\":\"insufficient_quota\"}", "provider_quota_exhausted", true, false)]
    [InlineData("{\"kind\":\"status\",\"status\":401}", "provider_unauthorized", true, false)]
    [InlineData("{\"kind\":\"status\",\"status\":403}", "provider_unauthorized", true, false)]
    [InlineData("{\"kind\":\"status\",\"status\":408}", "provider_unavailable", true, true)]
    [InlineData("{\"kind\":\"cut_after_reading\"}", "provider_connection_lost", true, true)]
    [InlineData("{\"kind\":\"cut_mid_body\"}", "provider_connection_lost", true, true)]
    [InlineData("{\"kind\":\"malformed_body\"}", "provider_malformed", true, true, 2)]
    [InlineData("{\"kind\":\"malformed_body\"}", "provider_connection_lost", true, true)]
    [InlineData("{\"kind\":\"empty_data\"}", "provider_no_picture", true, true, 2)]
    [InlineData("{\"kind\":\"not_an_image\"}", "provider_no_picture", true, true)]
    [InlineData("{\"kind\":\"hang\"}", "provider_timeout", true, true)]
    public async Task Each_fault_becomes_its_message(string fault, string expected, bool retryable, bool mayHaveCost, int pictures = 1)
    {
        await using var scene = await SetAsync();
        // One is streamed, several are not.
        scene.Api.Missing = pictures;
        scene.Settings["PROVIDER_TIMEOUT_SECONDS"] = "10";
        await scene.StartWorkerAsync();
        await simulator.QueueAsync(fault);

        var failed = await scene.FailedAsync(await scene.SendNewAsync());

        (failed.Code, failed.Retryable, failed.MayHaveCost).ShouldBe((expected, retryable, mayHaveCost));
        failed.Usage.ShouldNotBeNull().Model.ShouldBe("gpt-image-2.5-sunburst");
        if (fault.Contains("status", StringComparison.Ordinal))
            failed.Usage.RequestId.ShouldNotBeNull().ShouldStartWith("req_");
    }

    [Fact]
    public async Task A_picture_of_another_type_than_was_asked_for_is_taken_for_what_it_is()
    {
        await using var scene = await SetAsync();
        await scene.StartWorkerAsync();
        await simulator.QueueAsync("{\"kind\":\"wrong_image_type\"}");

        var staged = await scene.StagedAsync(await scene.SendNewAsync());

        await using var clean = await scene.Blobs.OpenAsync(staged.Outputs[0].CleanBlob, TestContext.Current.CancellationToken);
        ImageMediaType.Of(await clean.ShouldNotBeNull().ReadAllAsync(TestContext.Current.CancellationToken)).ShouldBe(staged.Outputs[0].MediaType);
    }

    private async Task<WorkerScene> SetAsync()
    {
        await simulator.ForgetAsync();
        var scene = await WorkerScene.SetAsync(servers);
        scene.Settings["OPENAI_BASE_URL"] = simulator.Url;
        return scene;
    }
}
