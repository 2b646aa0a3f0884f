using System.Diagnostics;
using Spectre.Console;

namespace HomeStage.Tool.Test;

/// <summary>
/// <c>dotnet format whitespace --verify-no-changes</c>, counted as one test. Style and analyzers fail the build, and the order of using
/// directives is a test's: the whole command would compile everything a second time.
/// </summary>
internal static class FormatCheck
{
    private const string Name = "dotnet format whitespace --verify-no-changes";

    public static async Task<SuiteResult> RunAsync(IAnsiConsole console, CancellationToken stop)
    {
        console.WriteLine($"── {Name}");
        var started = TimeProvider.System.GetTimestamp();
        using var process = Process.Start("dotnet", ["format", "whitespace", SourceTree.Root, "--folder", "--verify-no-changes", "--verbosity", "minimal"]);
        try
        {
            await process.WaitForExitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        console.WriteLine($"   {Name}: {(process.ExitCode == 0 ? "clean" : "not clean")} in {TimeProvider.System.GetElapsedTime(started).TotalSeconds:0} s");
        return SuiteResult.Check(Name, process.ExitCode == 0);
    }
}
