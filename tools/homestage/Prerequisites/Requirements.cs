using System.Diagnostics;
using HomeStage.Tool.Servers;
using Spectre.Console;

namespace HomeStage.Tool.Prerequisites;

/// <summary>Sees to what is missing before a command starts.</summary>
internal static class Requirements
{
    /// <exception cref="ToolException">Something is missing and cannot be, or shall not be, installed.</exception>
    public static async Task EnsureAsync(IReadOnlyList<Requirement> requirements, bool yes, IAnsiConsole console, CancellationToken cancel)
    {
        var missing = Missing(requirements);
        if (missing.Count == 0)
            return;
        switch (Installation.Decide(missing, await ThisMachineAsync(yes, cancel)))
        {
            case Installation.Refused refused:
                throw new ToolException(refused.Sentence);
            case Installation.Planned planned:
                await InstallAsync(missing, planned, console, cancel);
                break;
        }
        if (Missing(requirements) is { Count: > 0 } still)
            throw new ToolException($"Still missing after the installation: {string.Join(", ", still.Select(requirement => requirement.Name))}. This distribution may have only an older one; install it by hand and run the command again.");
    }

    private static async Task InstallAsync(IReadOnlyList<Requirement> missing, Installation.Planned planned, IAnsiConsole console, CancellationToken cancel)
    {
        console.MarkupLineInterpolated($"HomeStage needs {string.Join(", ", missing.Select(requirement => requirement.Name))}: installing the packages {string.Join(' ', planned.Packages)}. No server of this machine is started or changed.");
        if (planned.Ask && !await new ConfirmationPrompt("Go on?").ShowAsync(console, cancel))
            throw new ToolException("Nothing was installed. Run the command again when you want it, or install the packages yourself.");
        var exit = await RunAsync(planned.WithSudo ? "sudo" : "sh", [
            .. planned.WithSudo ? (string[])["sh"] : [], "-c", AptScript.Text(), "homestage",
            .. missing.Select(requirement => string.Join('|', requirement.Packages))], cancel);
        if (exit != 0)
            throw new ToolException("The packages could not be installed; what apt-get says is above.");
    }

    private static List<Requirement> Missing(IEnumerable<Requirement> requirements) => [.. requirements.Where(requirement => !requirement.IsPresent())];

    private static async Task<Machine> ThisMachineAsync(bool yes, CancellationToken cancel)
    {
        var hasTerminal = !Console.IsInputRedirected;
        var hasSudo = Executables.OnPath("sudo") is not null && (hasTerminal || await RunAsync("sudo", ["-n", "true"], cancel) == 0);
        return new(HasApt: Executables.OnPath("apt-get") is not null, ServerAccount.IsRoot, hasSudo, hasTerminal, yes);
    }

    private static async Task<int> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancel)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(cancel);
        return process.ExitCode;
    }
}
