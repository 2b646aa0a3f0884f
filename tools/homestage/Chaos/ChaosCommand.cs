using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Test;
using Spectre.Console;

namespace HomeStage.Tool.Chaos;

/// <summary>
/// <c>homestage chaos</c>: the tests that are too long for every day. Each part of the system killed and frozen at each step of a job's life,
/// and everything started again one by one under load; on systems of their own.
/// </summary>
internal static class ChaosCommand
{
    private const string TestProject = "EndToEnd.Tests";
    private static readonly TimeSpan Limit = TimeSpan.FromHours(3);

    public static async Task<int> RunAsync(TestOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await Requirements.EnsureAsync(Requirement.ToRun, options.Yes, console, stop);
        var suite = Suite.All().Single(suite => suite.Name == TestProject) with { Arguments = ["-explicit", "only", "-reporter", "verbose"], Limit = Limit };
        var results = Path.Combine(Path.GetTempPath(), $"homestage-chaos-{Guid.NewGuid():N}.xml");
        try
        {
            var tally = new Tally();
            tally.Add(await suite.RunAsync(options.Filter, new Dictionary<string, string>(StringComparer.Ordinal), results, console, stop));
            tally.Print(console);
            return tally.IsGreen ? 0 : 1;
        }
        finally
        {
            File.Delete(results);
        }
    }
}
