using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Up;
using Npgsql;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>
/// Jobs from submission to pictures, with a simulated provider that answers at once: first a few on an idle system, then more than it
/// can carry, with one worker and with more. Submissions are due at a fixed rate whatever became of the earlier ones.
/// </summary>
internal static class JobsBench
{
    internal const int MostWorkers = 3;

    // Every worker has done some, so that what is slow at the start alone is not measured.
    private const double WarmUpRate = 2;
    private const int WarmUpJobs = 8 * MostWorkers;

    private const double IdleRate = 0.5;
    private const double FullRate = 20;
    private const int FullJobs = 60;
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly Guid Account = new(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Stack stack, DataFolder data, TimeSpan length, IAnsiConsole console, CancellationToken cancel)
    {
        await LedgerBench.GrantAsync(stack.Servers.Facts.Postgres!.AdminConnection("entitlements"), [Account], cancel);
        using (var provider = new HttpClient { BaseAddress = new Uri(stack.Deployment.Simulators.Single(process => process.Name == "openai-simulator").Shown!.Value.Address) })
            (await provider.PostAsJsonAsync("/control/settings", new { latencyMs = 0 }, cancel)).EnsureSuccessStatusCode();
        var api = stack.Deployment.Services.Single(process => process.Name == "staging-api").Settings["HTTP_URL"];
        using var client = new HttpClient(new InternalToken(data, "gateway", "staging-api", Account)) { BaseAddress = new Uri(api) };
        await using var database = NpgsqlDataSource.Create(stack.Servers.Facts.Postgres!.AdminConnection("staging"));
        RunningProcess[] workers = [.. stack.Processes.Where(process => process.Name.StartsWith("staging-worker", StringComparison.Ordinal))];
        var small = await File.ReadAllBytesAsync(Path.Combine(SourceTree.Root, "samples", "empty-room.jpg"), cancel);
        var large = LargePicture.Png(4000, 3000);

        var figures = new List<Figure>();
        console.WriteLine("Warming up…");
        await EndedAsync(database, await OfferAsync(client, small, WarmUpRate, WarmUpJobs, cancel), cancel);
        console.WriteLine($"Idle, a job each {1 / IdleRate:0} s…");
        foreach (var (name, photo) in ((string, byte[])[])[("1.9 MP", small), ("12 MP", large)])
        {
            var jobs = await OfferAsync(client, photo, IdleRate, Math.Max(4, (int)(length.TotalSeconds * IdleRate)), cancel);
            var ended = await EndedAsync(database, jobs, cancel);
            figures.Add(new($"submit to claim when idle, {name}, p95", P95(ended.Select(job => job.Claimed - job.Submitted)), " ms", AtMost: name == "12 MP" ? null : 500));
            figures.Add(new($"submit to pictures beside the provider, {name}, p95", P95(ended.Select(job => job.Ended - job.Submitted)), " ms", AtMost: name == "12 MP" ? 2000 : null));
        }

        foreach (var worker in workers[1..])
            await worker.StopAsync();
        foreach (var count in Enumerable.Range(1, MostWorkers))
        {
            await workers[count - 1].StartAsync();
            await workers[count - 1].UntilReadyAsync(cancel);
            console.WriteLine($"{FullJobs} jobs at {FullRate} a second, {count} {(count == 1 ? "worker" : "workers")}…");
            var before = Cores.Read();
            var jobs = await OfferAsync(client, small, FullRate, FullJobs, cancel);
            var ended = await EndedAsync(database, jobs, cancel);
            var busy = Cores.Read().BusySince(before);
            figures.Add(new($"jobs a second, {count} {(count == 1 ? "worker" : "workers")}", ended.Count / (ended.Max(job => job.Ended) - ended.Min(job => job.Submitted)).TotalSeconds, "/s"));
            figures.Add(new($"cores busy meanwhile, of {Environment.ProcessorCount}", busy * Environment.ProcessorCount, ""));
        }

        return figures;
    }

    /// <summary>Submits at a fixed rate; gives each job with when it was due.</summary>
    private static async Task<Dictionary<Guid, DateTimeOffset>> OfferAsync(HttpClient client, byte[] photo, double rate, int count, CancellationToken cancel)
    {
        var time = TimeProvider.System;
        var began = time.GetUtcNow();
        var running = new List<Task<(Guid, DateTimeOffset)>>();
        for (var number = 0; number < count; number++)
        {
            var due = began + TimeSpan.FromSeconds(number / rate);
            if (due - time.GetUtcNow() is var early && early > TimeSpan.Zero)
                await Task.Delay(early, cancel);
            running.Add(Task.Run(async () => (await SubmitAsync(client, photo, cancel), due), cancel));
        }

        return (await Task.WhenAll(running)).ToDictionary(job => job.Item1, job => job.Item2);
    }

    private static async Task<Guid> SubmitAsync(HttpClient client, byte[] photo, CancellationToken cancel)
    {
        while (true)
        {
            if (await TryAsync(client, photo, cancel) is { } job)
                return job;
            await Task.Delay(Again, cancel);
        }
    }

    /// <summary>Submits once; null if too many photos are being read, as a client would be told too.</summary>
    private static async Task<Guid?> TryAsync(HttpClient client, byte[] photo, CancellationToken cancel)
    {
        var file = new ByteArrayContent(photo) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } };
        using var form = new MultipartFormDataContent
        {
            { file, "photo", "room" },
            { new StringContent("living_room"), "room" },
            { new StringContent("scandinavian"), "style" },
            { new StringContent("standard"), "quality" },
        };
        using var answer = await client.PostAsync(new Uri("/api/v1/stagings", UriKind.Relative), form, cancel);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
            return null;
        if (!answer.IsSuccessStatusCode)
            throw new ToolException($"A submission was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancel)}");
        return (Guid)(await answer.Content.ReadFromJsonAsync<JsonObject>(cancel))!["id"]!;
    }

    private static async Task<List<(DateTimeOffset Submitted, DateTimeOffset Claimed, DateTimeOffset Ended)>> EndedAsync(
        NpgsqlDataSource database, Dictionary<Guid, DateTimeOffset> jobs, CancellationToken cancel)
    {
        for (var began = TimeProvider.System.GetTimestamp(); TimeProvider.System.GetElapsedTime(began) < Patience; await Task.Delay(100, cancel))
        {
            await using var command = database.CreateCommand("select id, status, started_at, finished_at from jobs where id = any($1) and finished_at is not null");
            command.Parameters.AddWithValue(jobs.Keys.ToArray());
            await using var reader = await command.ExecuteReaderAsync(cancel);
            var ended = new List<(DateTimeOffset, DateTimeOffset, DateTimeOffset)>();
            while (await reader.ReadAsync(cancel))
            {
                if (reader.GetString(1) != "succeeded")
                    throw new ToolException($"A job ended as {reader.GetString(1)}, so that the figures say nothing.");
                ended.Add((jobs[reader.GetGuid(0)], reader.GetFieldValue<DateTimeOffset>(2), reader.GetFieldValue<DateTimeOffset>(3)));
            }

            if (ended.Count == jobs.Count)
                return ended;
        }

        throw new ToolException("Not all jobs have ended in 5 minutes.");
    }

    private static double P95(IEnumerable<TimeSpan> times)
    {
        var sorted = times.Order().ToArray();
        return sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(sorted.Length * 0.95))].TotalMilliseconds;
    }

    /// <summary>What the machine's cores have done since it started, from <c>/proc/stat</c>.</summary>
    private sealed record Cores(long Busy, long All)
    {
        public static Cores Read()
        {
            // cpu user nice system idle iowait …
            var ticks = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..].Select(text => long.Parse(text, CultureInfo.InvariantCulture)).ToArray();
            return new(ticks.Sum() - ticks[3] - ticks[4], ticks.Sum());
        }

        public double BusySince(Cores before) => (double)(Busy - before.Busy) / Math.Max(1, All - before.All);
    }
}
