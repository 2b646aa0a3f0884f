using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Test;
using Spectre.Console;

namespace HomeStage.Tool.Chaos;

/// <summary>
/// <c>homestage chaos</c>: the tests that are too long for every day. Every permutation of a payment's events; each part of the system killed
/// and frozen at each step of a job's life, and everything started again one by one under load, on systems of their own.
/// </summary>
internal static class ChaosCommand
{
    private static readonly string[] TestProjects = ["Billing.Tests", "EndToEnd.Tests"];
    private static readonly TimeSpan Limit = TimeSpan.FromHours(3);

    public static async Task<int> RunAsync(TestOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await Requirements.EnsureAsync(Requirement.ToRun, options.Yes, console, stop);
        var tally = new Tally();
        foreach (var project in TestProjects)
            tally.Add(await RunAsync(project, options.Filter, console, stop));
        if (options.Filter is not null && tally.IsEmpty)
            tally.Add(SuiteResult.Broken("filter", $"no test's full name contains '{options.Filter}'"));
        tally.Print(console);
        return tally.IsGreen ? 0 : 1;
    }

    private static async Task<SuiteResult> RunAsync(string project, string? filter, IAnsiConsole console, CancellationToken stop)
    {
        var suite = Suite.All().Single(suite => suite.Name == project) with { Arguments = ["-explicit", "only", "-reporter", "verbose"], Limit = Limit };
        var results = Path.Combine(Path.GetTempPath(), $"homestage-chaos-{Guid.NewGuid():N}.xml");
        try
        {
            return await suite.RunAsync(filter, new Dictionary<string, string>(StringComparer.Ordinal), results, console, stop);
        }
        finally
        {
            File.Delete(results);
        }
    }
}
