using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using HomeStage.Tool.Up;

namespace HomeStage.EndToEnd.Tests;

/// <summary>Two of everything behave as one system, also while they are started again.</summary>
[Collection(SharedStack.Collection)]
public sealed class ReplicasTests(SharedStack shared)
{
    private static readonly string[] Services = ["gateway", "billing", "entitlements", "staging-api", "staging-worker"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private TestStack Stack => shared.Stack;

    [Fact]
    public async Task Every_replica_takes_its_share_and_what_one_did_the_others_know()
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("quick");
        var jobs = new List<Guid>();
        for (var i = 0; i < 4; i++)
            jobs.Add(await visitor.StageAsync());
        foreach (var job in jobs)
        {
            // Each stream at another gateway than the submission, and each of its reconnections at another one than before.
            await ShouldBeWholeAsync(new Followed(visitor, job), Cancel);
            await visitor.ReadAsync($"/api/v1/stagings/{job}");
            await visitor.ReadAsync("/api/v1/orders");
        }

        await Eventually.Async(async () => await visitor.AvailableAsync() == 1, "four credits were used");
        foreach (var process in Stack.Processes.Where(process => Services.Take(4).Contains(Program(process))))
            (await ServedAsync(process)).ShouldBeGreaterThan(0, process.Name);
    }

    [Fact]
    public async Task Workers_call_the_provider_as_often_at_once_as_they_are_told_and_no_more()
    {
        using var openAi = new HttpClient { BaseAddress = Stack.OpenAi };
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("value");
        // Long enough for the fourth call to come while the first one waits, on a busy machine too.
        await LatencyAsync(openAi, 15_000);
        await openAi.DeleteAsync("/control/stats", Cancel);

        var jobs = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => visitor.StageAsync()));
        await Eventually.Async(async () => await MostAtOnceAsync(openAi) == 4, "two workers make two calls each");
        await LatencyAsync(openAi, 1000);
        foreach (var job in jobs)
            await visitor.EndedAsync(job);

        (await MostAtOnceAsync(openAi)).ShouldBe(4);
    }

    [Fact(Explicit = true)]
    public Task Everything_is_started_again_under_load_and_nobody_notices() =>
        RestartUnderLoadAsync([.. Enumerable.Range(1, 2).Reverse().Select(number => Services.Select(service => Replica(service, number)).ToArray())]);

    [Fact(Explicit = true)]
    public Task Everything_is_started_again_one_by_one_under_load_and_nobody_notices() =>
        RestartUnderLoadAsync([.. Services.SelectMany(service => (RunningProcess[][])[[Replica(service, 1)], [Replica(service, 2)]])]);

    /// <summary>Starts the processes of a wave again, all together, and then those of the next, while people stage, read and listen.</summary>
    private async Task RestartUnderLoadAsync(RunningProcess[][] waves)
    {
        using var visitor = await Visitor.ArriveAsync(Stack);
        await visitor.BuyAsync("pro");
        await visitor.BuyAsync("pro");
        var before = await visitor.AvailableAsync();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var jobs = new ConcurrentBag<Guid>();
        var load = Task.WhenAll(StageAsync(visitor, jobs, over.Token), StageAsync(visitor, jobs, over.Token), ReadAsync(visitor, over.Token));
        var account = ShouldBeWholeAsync(new Followed(visitor, null), over.Token);

        foreach (var wave in waves)
            await await Task.WhenAny(load, account, Task.WhenAll(wave.Select(RestartAsync)));
        await over.CancelAsync();
        await load;
        await account;

        jobs.Count.ShouldBeGreaterThan(waves.Length);
        foreach (var job in jobs)
            ((string)(await visitor.EndedAsync(job))["status"]!).ShouldBe("succeeded");
        await Eventually.Async(async () => (int)(await visitor.ReadAsync("/api/v1/credits"))["held"]! == 0, "every hold is settled");
        (await visitor.AvailableAsync()).ShouldBe(before - jobs.Count, "each job costs one credit");
        (await Ledger.ViolationsAsync(Stack)).ShouldBeEmpty();
        var ends = await Ledger.QueryAsync(Stack, "staging", $"select job_id from events where job_id in ({string.Join(',', jobs.Select(job => $"'{job}'"))}) and type in ('succeeded', 'failed', 'canceled')");
        ends.ShouldBe(jobs.Select(job => job.ToString()), ignoreOrder: true);
    }

    /// <summary>As a platform does it: SIGTERM, wait for the end, start the next, wait until it is ready.</summary>
    private static async Task RestartAsync(RunningProcess process)
    {
        process.Terminate();
        (await process.Exited.WaitAsync(Cancel)).ShouldBe(0, process.Name);
        await process.StartAsync();
        await process.UntilReadyAsync(Cancel);
    }

    /// <summary>Stages one photo after the other and follows each to its end.</summary>
    private static async Task StageAsync(Visitor visitor, ConcurrentBag<Guid> jobs, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var job = await visitor.StageAsync();
            jobs.Add(job);
            await ShouldBeWholeAsync(new Followed(visitor, job), Cancel);
        }
    }

    private static async Task ReadAsync(Visitor visitor, CancellationToken over)
    {
        string[] paths = ["/api/v1/session", "/api/v1/plans", "/api/v1/orders", "/api/v1/credits", "/api/v1/catalog", "/api/v1/stagings"];
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            await visitor.ReadAsync(paths[i % paths.Length]);
            await pace.WaitForNextTickAsync(Cancel);
        }
    }

    /// <summary>Follows a stream through all its reconnections: every number comes once and in its order, and no connection is cut.</summary>
    private static async Task ShouldBeWholeAsync(Followed stream, CancellationToken over)
    {
        var numbers = new List<long>();
        await foreach (var item in stream.ReadAsync(over))
        {
            if (item.EventId is { } id)
                numbers.Add(long.Parse(id.Split('.')[0], CultureInfo.InvariantCulture));
        }

        numbers.ShouldBe(Enumerable.Range(0, numbers.Count).Select(i => numbers[0] + i));
    }

    private static Task<HttpResponseMessage> LatencyAsync(HttpClient openAi, int milliseconds) =>
        openAi.PostAsJsonAsync("/control/settings", new { latencyMs = milliseconds }, Cancel);

    private static async Task<int> MostAtOnceAsync(HttpClient openAi) =>
        (int)(await openAi.GetFromJsonAsync<JsonObject>("/control/stats", Cancel))!["maxInFlight"]!;

    private static string Program(RunningProcess process) => process.Name.EndsWith("-2", StringComparison.Ordinal) ? process.Name[..^2] : process.Name;

    /// <summary>How many requests a process has answered since it started.</summary>
    private static async Task<double> ServedAsync(RunningProcess process)
    {
        using var management = new HttpClient { BaseAddress = new Uri(process.Settings["MANAGEMENT_URL"]) };
        var metrics = await management.GetStringAsync("/metrics", Cancel);
        return metrics.Split('\n').Where(line => line.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal)).Sum(line => double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture));
    }

    private RunningProcess Replica(string service, int number) => Stack.Process(number == 1 ? service : $"{service}-{number}");

    /// <summary>An event stream as a client reads it: ends and resumes as often as it has to.</summary>
    private sealed class Followed(Visitor visitor, Guid? job)
    {
        public async IAsyncEnumerable<SseItem<string>> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken over)
        {
            string? last = null;
            var retry = TimeSpan.Zero;
            while (!over.IsCancellationRequested)
            {
                using var answer = await visitor.OpenStreamAsync(job is null ? "/api/v1/events" : $"/api/v1/stagings/{job}/events", last);
                if (answer.StatusCode == HttpStatusCode.NoContent)
                    yield break;
                if (answer.StatusCode != HttpStatusCode.OK)
                    answer.StatusCode.ShouldBe(HttpStatusCode.OK, $"after {last}: {await answer.Content.ReadAsStringAsync(Cancel)}");
                var events = SseParser.Create(await answer.Content.ReadAsStreamAsync(Cancel));
                await using var reading = events.EnumerateAsync(over).GetAsyncEnumerator(over);
                while (await HasNextAsync(reading, over))
                {
                    if (reading.Current.EventType != "ping")
                    {
                        last = events.LastEventId;
                        yield return reading.Current;
                    }
                }

                retry = events.ReconnectionInterval;
                if (!over.IsCancellationRequested)
                    await Task.Delay(retry, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        private static async Task<bool> HasNextAsync(IAsyncEnumerator<SseItem<string>> reading, CancellationToken over)
        {
            try
            {
                return await reading.MoveNextAsync();
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                return false;
            }
        }
    }
}
