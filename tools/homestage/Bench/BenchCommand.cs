using System.Globalization;
using System.Text.Json;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Servers;
using HomeStage.Tool.Up;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>One figure of a benchmark, with the bar that it has to clear, if there is one.</summary>
/// <param name="What">What was measured.</param>
/// <param name="Measured">The figure in its unit.</param>
/// <param name="Unit">The unit, e.g. <c>/s</c>; empty for a ratio.</param>
/// <param name="AtLeast">The bar from below.</param>
/// <param name="AtMost">The bar from above.</param>
internal sealed record Figure(string What, double Measured, string Unit, double? AtLeast = null, double? AtMost = null)
{
    /// <summary>Whether the bar is cleared; a figure without one is for information.</summary>
    public bool Passes => !(Measured < AtLeast) && !(Measured > AtMost);
}

internal sealed record BenchOptions(string Name, int Seconds, bool Json, bool Yes);

/// <summary>
/// <c>homestage bench</c>: measures a part of the system against the bars of the design, on a system of its own in a temporary folder.
/// Ratios are taken within one run, so that they mean the same on any machine.
/// </summary>
internal static class BenchCommand
{
    /// <summary>The benchmarks by name, each with what it measures.</summary>
    public static IReadOnlyDictionary<string, string> Names { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["gateway"] = "what the gateway and its limits add to a request, beside nginx; how exact two gateways keep a limit",
        ["jobs"] = "staging jobs with a provider that answers at once: time to claim, time beside the provider, jobs a second by workers",
        ["ledger"] = "holds on credits, against pgbench of the same function",
        ["sse"] = "5,000 open event streams through the gateway: memory for each, time from publishing to the client",
        ["webhook"] = "Stripe's webhooks, against an endpoint that only verifies and inserts",
    };

    public static async Task<int> RunAsync(BenchOptions options, IAnsiConsole console, CancellationToken stop)
    {
        await Requirements.EnsureAsync(options.Name == "gateway" ? [.. Requirement.ToRun, Requirement.Nginx] : Requirement.ToRun, options.Yes, console, stop);
        var data = new DataFolder(Path.Combine(Path.GetTempPath(), $"homestage-bench-{Guid.NewGuid().ToString("N")[..8]}"));
        try
        {
            await using var held = await HeldFolder.TakeAsync(data, fresh: false, stop);
            await using var stack = await UpCommand.StartAsync(data, SystemFor(options.Name), console, stop);
            var length = TimeSpan.FromSeconds(options.Seconds);
            var figures = await (options.Name switch
            {
                "gateway" => GatewayBench.RunAsync(stack, data, length, console, stop),
                "jobs" => JobsBench.RunAsync(stack, data, length, console, stop),
                "ledger" => LedgerBench.RunAsync(stack, data, length, console, stop),
                "sse" => SseBench.RunAsync(stack, length, console, stop),
                _ => WebhookBench.RunAsync(stack, data, length, console, stop),
            });
            Print(options, figures, console);
            return figures.All(figure => figure.Passes) ? 0 : 1;
        }
        finally
        {
            if (Directory.Exists(data.FullPath))
            {
                data.Clear();
                Directory.Delete(data.FullPath, recursive: true);
            }
        }
    }

    // One address opens all streams; what limits cost has a measurement of its own.
    private static readonly Dictionary<string, string> WithoutLimits = new(StringComparer.Ordinal) { ["LIMITS"] = "off" };

    private static UpOptions SystemFor(string name) => name switch
    {
        "gateway" => new() { Port = FreePorts.Next(), Only = ["entitlements"] },
        "jobs" => new() { Port = FreePorts.Next(), Workers = JobsBench.MostWorkers },
        "ledger" => new() { Port = FreePorts.Next(), Only = ["entitlements"] },
        "sse" => new() { Port = FreePorts.Next(), Only = ["gateway", "entitlements", "staging-api"], Settings = WithoutLimits },
        _ => new() { Port = FreePorts.Next(), Only = ["gateway", "billing", "entitlements"] },
    };

    private static void Print(BenchOptions options, IReadOnlyList<Figure> figures, IAnsiConsole console)
    {
        if (options.Json)
        {
            console.WriteLine(JsonSerializer.Serialize(figures, JsonSerializerOptions.Web));
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).Title($"bench {options.Name}").AddColumns("what", "measured", "bar", "");
        foreach (var figure in figures)
            table.AddRow(Markup.Escape(figure.What), Number(figure.Measured) + figure.Unit, Bar(figure), figure switch { { AtLeast: null, AtMost: null } => "", { Passes: true } => "ok", _ => "MISSED" });
        console.Write(table);
    }

    private static string Bar(Figure figure) => figure switch
    {
        { AtLeast: { } least } => $"≥ {Number(least)}{figure.Unit}",
        { AtMost: { } most } => $"≤ {Number(most)}{figure.Unit}",
        _ => "",
    };

    private static string Number(double value) => value.ToString(value < 10 ? "0.00" : "0", CultureInfo.InvariantCulture);
}
