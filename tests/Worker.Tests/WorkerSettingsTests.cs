using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;
using Microsoft.Extensions.Configuration;

namespace HomeStage.Worker.Tests;

public sealed class WorkerSettingsTests
{
    [Fact]
    public async Task Settings_that_make_no_sense_stop_the_start_by_name()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HTTP_URL"] = "http://127.0.0.1:1",
            ["MANAGEMENT_URL"] = "http://127.0.0.1:2",
            ["WORKER_CONCURRENCY"] = "0",
            ["OPENAI_MODEL"] = "dall-e-2",
            ["IMAGE_MODELS"] = """{"default":"a","models":[]}""",
            ["OPENAI_API_KEY"] = "changeme-please",
            ["OPENAI_INPUT_PRICE"] = "cheap",
            ["BLOBS_DIR"] = "/nowhere",
            ["LAYOUT_MODEL"] = "a model",
            ["LAYOUT_EFFORT"] = "all",
            ["LAYOUT_TIMEOUT_SECONDS"] = "21",
            ["LAYOUT_OUTPUT_PRICE"] = "-1",
            ["LAYOUT_DAILY_BUDGET"] = "none",
        };

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync(WorkerService.Name, settings, WorkerService.Compose));

        foreach (var name in (string[])["WORKER_CONCURRENCY", "OPENAI_MODEL", "IMAGE_MODELS_FILE", "OPENAI_API_KEY", "OPENAI_INPUT_PRICE", "OPENAI_OUTPUT_PRICE", "BLOBS_DIR", "LAYOUT_MODEL", "LAYOUT_EFFORT", "LAYOUT_TIMEOUT_SECONDS", "LAYOUT_INPUT_PRICE", "LAYOUT_OUTPUT_PRICE", "LAYOUT_DAILY_BUDGET", "STAGING_API_URL", "RABBITMQ_URL", "REDIS_CONNECTION", "IDENTITY_KEY"])
            error.Problems.ShouldContain(problem => problem.StartsWith(name, StringComparison.Ordinal));
        error.Problems.Single(problem => problem.StartsWith("OPENAI_MODEL", StringComparison.Ordinal)).ShouldContain("gpt-image-1.5");
    }

    [Theory]
    [InlineData("0.05", false)]
    [InlineData("0.34", true)]
    public void A_budget_for_layouts_that_allows_none_is_refused(string budget, bool allowed)
    {
        var settings = new Settings(
            new ConfigurationBuilder().AddInMemoryCollection([new("LAYOUT_MODEL", "gpt-4.1"), new("LAYOUT_INPUT_PRICE", "10"), new("LAYOUT_OUTPUT_PRICE", "10"), new("LAYOUT_DAILY_BUDGET", budget)]).Build(),
            production: true);

        Worker.Layout.LayoutSettings.Read(settings).ShouldNotBeNull().DearestQuestion.ShouldBe(330_000);

        if (allowed)
            settings.ThrowIfInvalid();
        else
            Should.Throw<SettingsException>(settings.ThrowIfInvalid).Problems.ShouldHaveSingleItem().ShouldStartWith("LAYOUT_DAILY_BUDGET must be 0.33 at least");
    }

    [Fact]
    public async Task A_bucket_that_is_configured_by_half_stops_the_start_by_name()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["HTTP_URL"] = "http://127.0.0.1:1",
            ["MANAGEMENT_URL"] = "http://127.0.0.1:2",
            ["BLOBS_S3_BUCKET"] = "Not A Bucket",
            ["BLOBS_S3_ENDPOINT"] = "nowhere",
            ["BLOBS_S3_ACCESS_KEY"] = "AKIAOFTHETEST",
            ["BLOBS_S3_ENCRYPTION"] = "rot13",
        };

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync(WorkerService.Name, settings, WorkerService.Compose));

        foreach (var name in (string[])["BLOBS_S3_BUCKET", "BLOBS_S3_ENDPOINT", "BLOBS_S3_REGION", "BLOBS_S3_SECRET_KEY", "BLOBS_S3_ENCRYPTION"])
            error.Problems.ShouldContain(problem => problem.StartsWith(name, StringComparison.Ordinal));
        error.Problems.ShouldNotContain(problem => problem.StartsWith("BLOBS_DIR", StringComparison.Ordinal));
    }
}
