using System.Diagnostics;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Prerequisites;

/// <summary>The npm packages of a folder, as its <c>package-lock.json</c> pins them.</summary>
public static class NodePackages
{
    /// <summary>Brings <c>node_modules</c> up to the lock file; does nothing if it is. Safe from several processes at once.</summary>
    /// <exception cref="ToolException">npm cannot; the message has what it wrote.</exception>
    public static async Task EnsureAsync(string folder, CancellationToken cancel)
    {
        await using var turn = await TakeTurnAsync(Path.Combine(folder, ".install.lock"), cancel);
        var wanted = File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json"));
        var done = Path.Combine(folder, "node_modules", ".installed");
        if (File.Exists(done) && File.GetLastWriteTimeUtc(done) >= wanted)
            return;
        var npm = Executables.OnPath("npm") ?? throw new ToolException("npm is not installed.");
        using var process = Process.Start(new ProcessStartInfo(npm, ["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var errors = process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new ToolException($"npm could not install what {folder} asks for:\n{await output}\n{await errors}");
        await File.WriteAllTextAsync(done, "", cancel);
    }

    private static async Task<FileStream> TakeTurnAsync(string file, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
            }
            catch (IOException)
            {
                // Another process installs.
                await Task.Delay(200, cancel);
            }
        }
    }
}
