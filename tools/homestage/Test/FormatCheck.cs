using System.Diagnostics;
using Spectre.Console;

namespace HomeStage.Tool.Test;

/// <summary><c>dotnet format --verify-no-changes</c>, counted as one test.</summary>
internal static class FormatCheck
{
    private const string Name = "dotnet format --verify-no-changes";

    public static async Task<SuiteResult> RunAsync(IAnsiConsole console, CancellationToken stop)
    {
        console.WriteLine($"── {Name}");
        var started = TimeProvider.System.GetTimestamp();
        using var process = Process.Start("dotnet", ["format", Path.Combine(SourceTree.Root, "HomeStage.sln"), "--verify-no-changes", "--no-restore", "--verbosity", "minimal"]);
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
