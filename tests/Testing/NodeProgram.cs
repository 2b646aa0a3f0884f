using System.Diagnostics;
using HomeStage.Tool.Prerequisites;
using HomeStage.Tool.Servers;
using Xunit;

namespace HomeStage.Testing;

/// <summary>Runs JavaScript with packages from npm: the vendors' own clients, as judges of our protocol.</summary>
public static class NodeProgram
{
    /// <summary>Runs a script to its end. The packages of the folder's <c>package-lock.json</c> are installed first if they are not.</summary>
    /// <param name="script">Absolute path; <c>package.json</c> lies beside it.</param>
    /// <param name="arguments">The script's arguments.</param>
    /// <param name="environment">Added to the environment.</param>
    /// <returns>Exit code and both outputs.</returns>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string script, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var folder = Path.GetDirectoryName(script)!;
        await NodePackages.EnsureAsync(folder, TestContext.Current.CancellationToken);
        return await RunAsync(folder, Program("node"), [script, .. arguments], environment);
    }

    /// <summary>Starts a script that runs until its standard input ends, at the latest when the test run does.</summary>
    /// <param name="script">Absolute path; <c>package.json</c> lies beside it.</param>
    /// <param name="wrote">Gets each line that it writes.</param>
    /// <param name="arguments">The script's arguments.</param>
    /// <returns>The process, for the caller to kill and dispose of.</returns>
    public static async Task<Process> StartAsync(string script, Action<string> wrote, params string[] arguments)
    {
        var folder = Path.GetDirectoryName(script)!;
        await NodePackages.EnsureAsync(folder, TestContext.Current.CancellationToken);
        var process = Process.Start(new ProcessStartInfo(Program("node"), [script, .. arguments])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
                wrote(text);
        };
        process.BeginOutputReadLine();
        return process;
    }

    private static string Program(string name) =>
        Executables.OnPath(name) ?? throw new InvalidOperationException($"{name} is not installed; ./homestage test installs it.");

    private static async Task<(int ExitCode, string Output, string Errors)> RunAsync(
        string folder, string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[name] = value;
        var cancel = TestContext.Current.CancellationToken;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        await using var killed = cancel.Register(() => process.Kill(entireProcessTree: true));
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancel.ThrowIfCancellationRequested();
        return (process.ExitCode, await output, await errors);
    }
}
