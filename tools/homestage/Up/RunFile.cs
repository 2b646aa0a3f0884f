using System.Globalization;
using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Up;

/// <summary>Which <c>up</c> runs on a data folder, and whether it is ready: for <c>down</c>, <c>demo</c> and a second <c>up</c>.</summary>
/// <param name="ProcessId">Of the <c>up</c>.</param>
/// <param name="StartTime">Its start in clock ticks since boot, so that no other process is taken for it.</param>
/// <param name="IsReady">Whether everything answers.</param>
internal sealed record RunFile(int ProcessId, long StartTime, bool IsReady)
{
    private const string Ready = "ready";
    private const string Starting = "starting";

    public bool IsAlive => ProcessTable.IsAlive(ProcessId, StartTime);

    /// <summary>The <c>up</c> that runs on the folder, or null.</summary>
    public static RunFile? Find(DataFolder data)
    {
        if (!File.Exists(data.RunFile))
            return null;
        var run = Parse(File.ReadAllText(data.RunFile));
        return run is { IsAlive: true } ? run : null;
    }

    public static void WriteStarting(DataFolder data) => Write(data, Starting);

    public static void WriteReady(DataFolder data) => Write(data, Ready);

    private static RunFile? Parse(string text) =>
        text.Trim().Split(' ') is [var id, var time, var state]
        && int.TryParse(id, CultureInfo.InvariantCulture, out var processId)
        && long.TryParse(time, CultureInfo.InvariantCulture, out var startTime)
            ? new(processId, startTime, state == Ready)
            : null;

    private static void Write(DataFolder data, string state)
    {
        var next = data.RunFile + ".next";
        File.WriteAllText(next, $"{Environment.ProcessId} {ProcessTable.StartTimeOf(Environment.ProcessId)} {state}\n");
        File.Move(next, data.RunFile, overwrite: true);
    }
}
