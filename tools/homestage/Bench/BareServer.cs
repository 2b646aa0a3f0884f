using HomeStage.Tool.Deployments;
using HomeStage.Tool.Processes;

namespace HomeStage.Tool.Bench;

/// <summary>Runs a server that does one thing and nothing else, as a process of its own: what ours is measured against.</summary>
internal static class BareServer
{
    /// <summary>Starts the hidden command of this tool that is the server.</summary>
    public static Task<ChildProcess> StartAsync(string command, DataFolder data, params (string Name, string Value)[] settings) =>
        ChildProcess.StartAsync(new ProcessSpec(command, "dotnet", [typeof(BareServer).Assembly.Location, command])
        {
            Environment = settings.ToDictionary(setting => setting.Name, setting => setting.Value, StringComparer.Ordinal),
            LogFile = Path.Combine(data.Logs, command + ".log"),
        }, data.Ledger);

    /// <exception cref="ToolException">The command was not started by a benchmark.</exception>
    public static string Setting(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new ToolException($"{name} is not set: this command is for 'homestage bench' alone.");
}
