using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;
using Spectre.Console;

namespace HomeStage.Tool.Up;

/// <summary><c>homestage down</c>: stops the <c>up</c> of a data folder, or what a dead one left behind.</summary>
internal static class DownCommand
{
    public static async Task<int> RunAsync(string folder, IAnsiConsole console, CancellationToken stop)
    {
        var data = new DataFolder(folder);
        if (!Directory.Exists(data.FullPath))
        {
            console.MarkupLineInterpolated($"Nothing runs: there is no data folder {data.FullPath}.");
            return 0;
        }
        if (RunFile.Find(data) is { } run)
        {
            Signals.Send(run.ProcessId, Signal.Term);
            while (run.IsAlive)
                await Task.Delay(100, stop);
            console.MarkupLine("Stopped.");
            return 0;
        }
        await using var held = FolderLock.TryTake(data.LockFile)
            ?? throw new ToolException($"{data.FullPath} is in use by another command; wait until that has ended.");
        var leftovers = await data.Ledger.EndLeftoversAsync(stop);
        console.MarkupLineInterpolated($"{(leftovers.Count == 0 ? "Nothing was running." : $"Stopped what an earlier run had left: {string.Join(", ", leftovers)}.")}");
        return 0;
    }
}
