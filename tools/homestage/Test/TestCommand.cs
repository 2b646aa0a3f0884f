using System.Text.Json;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Processes;
using HomeStage.Tool.Servers;
using Spectre.Console;

namespace HomeStage.Tool.Test;

internal sealed record TestOptions(string? Filter, bool Yes);

/// <summary><c>homestage test</c>: every test project against one set of servers, then one line that says how it went.</summary>
internal static class TestCommand
{
    private const string FactsVariable = "HOMESTAGE_TEST_SERVERS";

    /// <summary>Suites at once: most of a suite's time goes by in waiting, and each has databases, broker hosts and ports of its own.</summary>
    private const int Lanes = 2;

    public static async Task<int> RunAsync(TestOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await Requirements.EnsureAsync(Requirement.ToTest, options.Yes, console, stop);
        var node = await NodeRuntime.EnsureAsync(line => console.WriteLine(line), stop);
        var scratch = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"homestage-test-{Guid.NewGuid():N}"[..27])).FullName;
        try
        {
            var tally = new Tally();
            console.WriteLine("Starting PostgreSQL, RabbitMQ and Redis for the tests…");
            await using (var servers = await LocalServers.StartAsync(new() { Folder = Path.Combine(scratch, "servers") }, stop))
            {
                var facts = Path.Combine(scratch, "servers.json");
                PrivateFile.Write(facts, JsonSerializer.Serialize(servers.Facts));
                var environment = new Dictionary<string, string>(Launcher.ShortLives, StringComparer.Ordinal) { [FactsVariable] = facts };
                if (node is not null)
                    environment["PATH"] = $"{node}:{Environment.GetEnvironmentVariable("PATH")}";
                var runs = Suite.All().Select<Suite, Func<CancellationToken, Task<SuiteResult>>>(suite =>
                    cancel => suite.RunAsync(options.Filter, environment, Path.Combine(scratch, suite.Name + ".xml"), console, cancel));
                if (options.Filter is null)
                    runs = runs.Prepend(cancel => FormatCheck.RunAsync(console, cancel));
                await Parallel.ForEachAsync(runs, new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = stop }, async (run, cancel) => tally.Add(await run(cancel)));
            }
            if (options.Filter is not null && tally.IsEmpty)
                tally.Add(SuiteResult.Broken("filter", $"no test's full name contains '{options.Filter}'"));
            tally.Print(console);
            return tally.IsGreen ? 0 : 1;
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }
}
