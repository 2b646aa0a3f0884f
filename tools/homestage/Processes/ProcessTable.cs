using System.Globalization;

namespace HomeStage.Tool.Processes;

/// <summary>What <c>/proc</c> says. A process is its id together with its start time: an id alone may have been given to another since.</summary>
internal static class ProcessTable
{
    private const int ParentField = 1;
    private const int UserTimeField = 11;
    private const int SystemTimeField = 12;
    private const int StartTimeField = 19;

    // sysconf(_SC_CLK_TCK), which Linux promises to programs whatever the kernel's own clock does.
    private const int TicksPerSecond = 100;

    /// <summary>Start time in clock ticks since boot, or null if there is no such process (a zombie counts as gone).</summary>
    public static long? StartTimeOf(int processId)
    {
        var fields = FieldsOf(processId);
        return fields is null || fields[0] is "Z" or "X" ? null : long.Parse(fields[StartTimeField], CultureInfo.InvariantCulture);
    }

    public static bool IsAlive(int processId, long startTime) => StartTimeOf(processId) == startTime;

    /// <summary>The process and all that descend from it, parents before children.</summary>
    public static IReadOnlyList<int> TreeOf(int processId)
    {
        var children = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder.AsSpan()), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(id => (Id: id, Fields: FieldsOf(id)))
            .Where(process => process.Fields is not null)
            .ToLookup(process => int.Parse(process.Fields![ParentField], CultureInfo.InvariantCulture), process => process.Id);
        var tree = new List<int> { processId };
        for (var i = 0; i < tree.Count; i++)
            tree.AddRange(children[tree[i]]);
        return tree;
    }

    /// <summary>The processor's time that a process and its descendants have taken so far.</summary>
    public static TimeSpan CpuOf(int processId) => TimeSpan.FromSeconds(
        TreeOf(processId).Select(FieldsOf).OfType<string[]>().Sum(fields =>
            long.Parse(fields[UserTimeField], CultureInfo.InvariantCulture) + long.Parse(fields[SystemTimeField], CultureInfo.InvariantCulture)) / (double)TicksPerSecond);

    /// <summary>The fields of <c>/proc/PID/stat</c> that follow the name, which may itself hold spaces and parentheses.</summary>
    private static string[]? FieldsOf(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
