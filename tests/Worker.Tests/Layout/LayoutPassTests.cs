using HomeStage.Hosting.Redis;
using HomeStage.Imaging.Outputs;
using HomeStage.Storage;
using HomeStage.Tool.Servers;
using HomeStage.Worker.Tests.Scene;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using StackExchange.Redis;

namespace HomeStage.Worker.Tests.Layout;

/// <summary>A photo is looked at once before it is staged, and whatever comes of that, it is staged. Against the project's simulator of OpenAI.</summary>
public sealed class LayoutPassTests(TestServers servers, OpenAiSimulator simulator) : IClassFixture<OpenAiSimulator>, IAsyncLifetime
{
    private const string Model = "gpt-4.1-mini";

    private WorkerScene _scene = null!;
    private LocalServers _redis = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await simulator.ForgetAsync();
        _redis = await servers.StartRedisAsync();
        _scene = await WorkerScene.SetAsync(servers, _redis.Facts.Redis!.Connection);
        _scene.Settings["OPENAI_BASE_URL"] = simulator.Url;
        // A busy machine is not a Redis that is away.
        _scene.Settings["REDIS_TIMEOUT_MS"] = "5000";
        _scene.Settings["LAYOUT_MODEL"] = Model;
        _scene.Settings["LAYOUT_INPUT_PRICE"] = "0.40";
        _scene.Settings["LAYOUT_OUTPUT_PRICE"] = "1.60";
        _scene.Settings["LAYOUT_TIMEOUT_SECONDS"] = "20";
    }

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task A_photo_is_asked_about_once_and_every_job_of_it_is_told()
    {
        var worker = await StartAsync();

        // Two at once, as somebody does who tries two styles; then one more, and one of another photo.
        var first = await Task.WhenAll(_scene.SendNewAsync(), _scene.SendNewAsync());
        foreach (var job in first)
            await _scene.StagedAsync(job);
        await _scene.StagedAsync(await _scene.SendNewAsync());
        await _scene.StagedAsync(await SendAsync(ProviderFrame.Around(Pictures.Room, 1200, 1600).Bytes, 1200, 1600));

        var stats = await simulator.StatsAsync();
        var asked = stats.GetProperty("completions").EnumerateArray().ToList();
        asked.Count.ShouldBe(2);
        (asked[0].GetProperty("fields").GetProperty("model").GetString(), asked[0].GetProperty("schema").GetString()).ShouldBe((Model, "zones_to_keep_free"));
        var picture = asked[0].GetProperty("images").EnumerateArray().ShouldHaveSingleItem();
        (picture.GetProperty("mediaType").GetString(), picture.GetProperty("width").GetInt32(), picture.GetProperty("height").GetInt32()).ShouldBe(("image/jpeg", 1024, 768));
        var prompts = stats.GetProperty("requests").EnumerateArray().Select(request => request.GetProperty("fields").GetProperty("prompt").GetString()!).ToList();
        prompts.Count.ShouldBe(4);
        prompts.ShouldAllBe(prompt => prompt.Contains("- a door or passage at the left edge, 2 to 15% from the left and 24 to 84% from the top", StringComparison.Ordinal));
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"found\"} 2");
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"known\"} 2");
        (await SpentAsync(worker)).ShouldBeInRange(2 * 300, 2 * 3000, "millionths of a dollar: tokens, and nothing set aside any more");
    }

    [Fact]
    public async Task Whatever_goes_wrong_the_pictures_come_and_only_layouts_pause()
    {
        // One of the cases lasts as long as this.
        _scene.Settings["LAYOUT_TIMEOUT_SECONDS"] = "5";
        var worker = await StartAsync();
        (string Fault, string Outcome, bool Pauses)[] cases =
        [
            // Said by a model that is to be left alone for a while.
            ("""{"kind":"status","status":429,"match":"*/chat/*"}""", "provider_rate_limited", true),
            ("""{"kind":"status","status":503,"match":"*/chat/*"}""", "provider_unavailable", true),
            ("""{"kind":"cut_after_reading","match":"*/chat/*"}""", "provider_connection_lost", true),
            ("""{"kind":"hang","match":"*/chat/*"}""", "provider_timeout", true),
            // Said of this photo alone.
            ("""{"kind":"status","status":400,"code":"content_policy_violation","match":"*/chat/*"}""", "moderation_blocked", false),
            ("""{"kind":"refusal","match":"*/chat/*"}""", "refused", false),
            ("""{"kind":"truncated_answer","match":"*/chat/*"}""", "truncated", false),
            ("""{"kind":"off_schema","match":"*/chat/*"}""", "malformed", false),
        ];

        foreach (var (fault, outcome, pauses) in cases)
        {
            await RunAsync(worker, database => database.ScriptEvaluateAsync("return redis.call('flushdb')"));
            await simulator.QueueAsync(fault);

            var staged = await _scene.StagedAsync(await _scene.SendNewAsync());

            staged.Attempt.ShouldBe(1, outcome);
            await _scene.UntilMetricAsync($"homestage_worker_layouts_total{{outcome=\"{outcome}\"}} 1");
            (await RunAsync(worker, database => database.KeyExistsAsync("homestage:layout:pause"))).ShouldBe(pauses, outcome);
            (await RunAsync(worker, database => database.KeyExistsAsync(Worker.Provider.ProviderPause.Key))).ShouldBeFalse(outcome);
        }

        // It is not asked again about the last photo, nor about any while there is a pause.
        await _scene.StagedAsync(await _scene.SendNewAsync());
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"known\"} 1");
        await RunAsync(worker, database => database.StringSetAsync("homestage:layout:pause", "1"));
        await _scene.StagedAsync(await SendAsync(ProviderFrame.Around(Pictures.Room, 1200, 1600).Bytes, 1200, 1600));
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"paused\"} 1");
        (await simulator.StatsAsync()).GetProperty("calls").GetInt32().ShouldBe(cases.Length + 2, "pictures");
    }

    [Fact]
    public async Task A_spent_budget_and_a_redis_that_is_away_ask_nothing()
    {
        var worker = await StartAsync();
        var day = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        await RunAsync(worker, database => database.StringSetAsync($"homestage:layout:spent:{day}", 4_999_999));

        await _scene.StagedAsync(await _scene.SendNewAsync());
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"out_of_budget\"} 1");
        await _redis.DisposeAsync();
        await _scene.StagedAsync(await _scene.SendNewAsync());
        await _scene.UntilMetricAsync("homestage_worker_layouts_total{outcome=\"uncounted\"} 1");

        (await simulator.StatsAsync()).GetProperty("completions").GetArrayLength().ShouldBe(0);
    }

    [Fact]
    public async Task Nobody_asks_for_a_job_of_an_older_prompt()
    {
        await _scene.StartWorkerAsync();
        var old = await _scene.WorkAsync();
        await _scene.SendAsync(old with { PromptVersion = 1 });
        await _scene.StagedAsync(old.JobId);

        (await simulator.StatsAsync()).GetProperty("completions").GetArrayLength().ShouldBe(0);
    }

    private async Task<Guid> SendAsync(byte[] photo, int width, int height)
    {
        var work = await _scene.WorkAsync();
        await _scene.Blobs.PutAsync(work.OriginalBlob, photo, "image/jpeg", Cancel);
        await _scene.SendAsync(work with { PhotoWidth = width, PhotoHeight = height });
        return work.JobId;
    }

    private static async Task<long> SpentAsync(WebApplication worker)
    {
        var day = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return (long)await RunAsync(worker, database => database.StringGetAsync($"homestage:layout:spent:{day}"));
    }

    /// <summary>A worker whose connection to Redis is there: on a busy machine that takes longer than a worker waits.</summary>
    private async Task<WebApplication> StartAsync()
    {
        var worker = await _scene.StartWorkerAsync();
        await RunAsync(worker, database => database.PingAsync());
        return worker;
    }

    private static async Task<T> RunAsync<T>(WebApplication worker, Func<IDatabase, Task<T>> command)
    {
        T answer = default!;
        await Eventually.Async(
            async () =>
            {
                answer = await worker.Services.GetRequiredService<RedisConnection>().RunAsync(command, Cancel);
                return true;
            },
            "Redis answers");
        return answer;
    }
}
