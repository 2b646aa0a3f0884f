using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Tests.Infrastructure;

/// <summary>Runs the scripts of <c>tests/npm</c>: the vendors' own clients.</summary>
internal static class VendorClient
{
    private static readonly SemaphoreSlim Installing = new(1);
    private static readonly string Folder = Path.GetFullPath(Path.Combine(SourceFolder(), "..", "..", "npm"));

    public static async Task<JsonNode> Run(string script, string step, object input)
    {
        await EnsureInstalled();
        var output = await Execute("node", script, step, System.Text.Json.JsonSerializer.Serialize(input));
        return JsonNode.Parse(output)!;
    }

    /// <summary>Installs what the lock file says, unless that is there; safe when several test processes start at once.</summary>
    private static async Task EnsureInstalled()
    {
        await Installing.WaitAsync();
        try
        {
            var installed = Path.Combine(Folder, "node_modules", ".package-lock.json");
            FileStream? lockFile = null;
            await Eventually.Async(() => (lockFile = TryLock()) is not null, "the turn to install npm packages");
            await using (lockFile)
            {
                if (!File.Exists(installed) || File.GetLastWriteTimeUtc(installed) < File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json")))
                    await Execute("npm", "ci", "--no-audit", "--no-fund");
            }
        }
        finally
        {
            Installing.Release();
        }
    }

    private static FileStream? TryLock()
    {
        try
        {
            return new FileStream(Path.Combine(Path.GetTempPath(), "homestage-npm.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<string> Execute(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var proxy in new[] { "http_proxy", "HTTP_PROXY" })
            start.Environment.Remove(proxy);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program} {arguments[0]}: {await errors}");
        return await output;
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
