using System.Diagnostics;

namespace HomeStage.Tool.Servers;

/// <summary>PostgreSQL and RabbitMQ refuse to run as root: there they run as the account their package made, in folders that it owns.</summary>
internal static class ServerAccount
{
    private const UnixFileMode OthersMayPass = UnixFileMode.OtherExecute;

    public static bool IsRoot { get; } = Environment.IsPrivilegedProcess;

    /// <summary>The account to run as, or null for the tool's own.</summary>
    public static string? Named(string account) => IsRoot ? account : null;

    /// <summary>Gives a folder and all in it to the account; only root has to.</summary>
    public static async Task OwnAsync(string folder, string account, CancellationToken cancel)
    {
        if (!IsRoot)
            return;
        using var chown = Process.Start("chown", ["-R", $"{account}:", folder]);
        await chown.WaitForExitAsync(cancel);
        if (chown.ExitCode != 0)
            throw new ToolException($"The folder {folder} cannot be given to the account {account}, which its server runs as.");
    }

    /// <summary>Whether other accounts can get to this folder: each one above it lets others pass.</summary>
    public static bool CanBeReachedByOthers(string folder)
    {
        for (var parent = new DirectoryInfo(folder).Parent; parent is not null; parent = parent.Parent)
        {
            if (parent.Exists && !parent.UnixFileMode.HasFlag(OthersMayPass))
                return false;
        }
        return true;
    }
}
