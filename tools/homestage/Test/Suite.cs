using System.Diagnostics;
using Spectre.Console;

namespace HomeStage.Tool.Test;

/// <summary>A test project, run as the program that it is.</summary>
internal sealed record Suite(string Name, string Assembly)
{
    /// <summary>What is said to the runner besides.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>After this long the project is stopped and counts as failed.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(25);

    /// <summary>
    /// What takes long, in the order of its beginning: so that both lanes end together, and whole systems run beside each other, or beside the
    /// gateway's short time limits, as little as can be.
    /// </summary>
    private static readonly string[] Long =
        ["Gateway.Tests", "Entitlements.Tests", "EndToEnd.Tests", "Staging.Tests", "Billing.Tests", "Browser.Tests", "Worker.Tests"];

    /// <summary>Every <c>tests/*.Tests</c>, what takes long first, then what has most to do; the script has built them.</summary>
    public static IEnumerable<Suite> All() => Directory.EnumerateDirectories(Path.Combine(SourceTree.Root, "tests"), "*.Tests")
        .Where(folder => Directory.EnumerateFiles(folder, "*.csproj").Any())
        .OrderBy(folder => Array.IndexOf(Long, Path.GetFileName(folder)) is >= 0 and var place ? place : Long.Length).ThenByDescending(SourceSize)
        .Select(folder => new Suite(Path.GetFileName(folder), SourceTree.Assembly(folder, Path.GetFileNameWithoutExtension(Directory.EnumerateFiles(folder, "*.csproj").First()))));

    public async Task<SuiteResult> RunAsync(
        string? filter, IReadOnlyDictionary<string, string> environment, string results, IAnsiConsole console, CancellationToken stop)
    {
        if (!File.Exists(Assembly))
            return SuiteResult.Broken(Name, "is not built");
        console.WriteLine($"── {Name}");
        string[] filters = filter is null ? [] : ["-method", $"*{filter}*"];
        var start = new ProcessStartInfo("dotnet", [Assembly, "-noLogo", "-noColor", "-xml", results, .. filters, .. Arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            WorkingDirectory = SourceTree.Root,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var started = TimeProvider.System.GetTimestamp();
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limited.CancelAfter(Limit);
        try
        {
            while (await process.StandardOutput.ReadLineAsync(limited.Token) is { } line)
                Show(line);
            await process.WaitForExitAsync(limited.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            stop.ThrowIfCancellationRequested();
            return SuiteResult.Broken(Name, $"did not end within {Limit.TotalMinutes:0} min and was stopped");
        }
        var result = SuiteResult.FromXml(Name, results, process.ExitCode);
        console.WriteLine($"   {Name}: {result.Passed} passed, {result.Failed} failed, {result.Skipped} skipped in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0} s");
        return result;
    }

    private static long SourceSize(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal)).Sum(file => new FileInfo(file).Length);

    /// <summary>Failures as they happen, without the runner's own headings and without the logs of services that run inside a test.</summary>
    private void Show(string line)
    {
        string[] headings = ["Discovering:", "Discovered:", "Starting:", "Finished:", "=== TEST EXECUTION SUMMARY ==="];
        string[] logs = ["{\"timestamp\":", "info: Microsoft.Hosting.Lifetime"];
        var text = line.Trim();
        if (text.Length > 0 && !headings.Concat(logs).Any(start => text.StartsWith(start, StringComparison.Ordinal)) && !text.Contains(", Not Run: ", StringComparison.Ordinal))
            Console.WriteLine($"[{Name}] {line}");
    }
}
