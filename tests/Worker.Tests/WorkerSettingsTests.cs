using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;

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
        };

        var error = await Should.ThrowAsync<SettingsException>(() => ServiceHost.StartAsync(WorkerService.Name, settings, WorkerService.Compose));

        foreach (var name in (string[])["WORKER_CONCURRENCY", "OPENAI_MODEL", "IMAGE_MODELS_FILE", "OPENAI_API_KEY", "OPENAI_INPUT_PRICE", "OPENAI_OUTPUT_PRICE", "BLOBS_DIR", "STAGING_API_URL", "RABBITMQ_URL", "REDIS_CONNECTION", "IDENTITY_KEY"])
            error.Problems.ShouldContain(problem => problem.StartsWith(name, StringComparison.Ordinal));
        error.Problems.Single(problem => problem.StartsWith("OPENAI_MODEL", StringComparison.Ordinal)).ShouldContain("gpt-image-1.5");
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
