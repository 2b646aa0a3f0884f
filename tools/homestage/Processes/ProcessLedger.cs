using System.Globalization;

namespace HomeStage.Tool.Processes;

/// <summary>
/// A file with the processes that were started: what a tool killed at any instant leaves behind for the next one to end.
/// One line each: id, start time, name.
/// </summary>
internal sealed class ProcessLedger(string file)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // One for the process: every part of a run has a ledger of its own, of the same file.
    private static readonly Lock Writing = new();

    public void Add(int processId, string name)
    {
        if (ProcessTable.StartTimeOf(processId) is not { } startTime)
            return;
        lock (Writing)
            File.AppendAllText(file, $"{processId} {startTime} {name}\n");
    }

    public void Remove(int processId)
    {
        lock (Writing)
        {
            if (File.Exists(file))
                File.WriteAllLines(file, File.ReadAllLines(file).Where(line => !line.StartsWith($"{processId} ", StringComparison.Ordinal)));
        }
    }

    /// <summary>Ends what is still there, youngest first, so that a service goes before the database it uses.</summary>
    /// <returns>The names of the processes that were still running.</returns>
    public async Task<IReadOnlyList<string>> EndLeftoversAsync(CancellationToken cancel)
    {
        var leftovers = (File.Exists(file) ? await File.ReadAllLinesAsync(file, cancel) : [])
            .Select(Entry.Parse)
            .OfType<Entry>()
            .Where(entry => ProcessTable.IsAlive(entry.ProcessId, entry.StartTime))
            .Reverse()
            .ToList();
        foreach (var entry in leftovers)
            await EndAsync(entry, cancel);
        lock (Writing)
            File.Delete(file);
        return [.. leftovers.Select(entry => entry.Name)];
    }

    private static async Task EndAsync(Entry entry, CancellationToken cancel)
    {
        Signals.Send(entry.ProcessId, Signal.Continue);
        Signals.Send(entry.ProcessId, Signal.Term);
        var started = TimeProvider.System.GetTimestamp();
        while (ProcessTable.IsAlive(entry.ProcessId, entry.StartTime))
        {
            if (TimeProvider.System.GetElapsedTime(started) > Patience)
                Signals.Send(entry.ProcessId, Signal.Kill);
            await Task.Delay(100, cancel);
        }
    }

    private sealed record Entry(int ProcessId, long StartTime, string Name)
    {
        /// <summary>Null for a line that was cut short by a crash: its process heard of that death from the kernel.</summary>
        public static Entry? Parse(string line) =>
            line.Split(' ', 3) is [var id, var time, var name]
            && int.TryParse(id, CultureInfo.InvariantCulture, out var processId)
            && processId > 1
            && long.TryParse(time, CultureInfo.InvariantCulture, out var startTime)
                ? new(processId, startTime, name)
                : null;
    }
}
