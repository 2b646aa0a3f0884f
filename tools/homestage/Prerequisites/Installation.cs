namespace HomeStage.Tool.Prerequisites;

/// <summary>What can be done on this machine about something missing.</summary>
/// <param name="HasApt">Whether packages can be installed from the distribution.</param>
/// <param name="IsRoot">Whether this process is root.</param>
/// <param name="HasSudo">Whether <c>sudo</c> is there and will not wait for a password nobody can type.</param>
/// <param name="HasTerminal">Whether a person can answer.</param>
/// <param name="Yes">Whether the person has already agreed.</param>
internal sealed record Machine(bool HasApt, bool IsRoot, bool HasSudo, bool HasTerminal, bool Yes);

/// <summary>The decision about what is missing.</summary>
internal abstract record Installation
{
    /// <summary>Ends the command with this sentence.</summary>
    internal sealed record Refused(string Sentence) : Installation;

    /// <summary>Installs the packages; asks first if <paramref name="Ask"/>.</summary>
    internal sealed record Planned(IReadOnlyList<string> Packages, bool WithSudo, bool Ask) : Installation;

    internal static Installation Decide(IReadOnlyList<Requirement> missing, Machine machine)
    {
        var names = string.Join(", ", missing.Select(requirement => requirement.Name));
        if (!machine.HasApt)
        {
            return new Refused($"Missing: {names}. This command can install that only where apt-get is; elsewhere run it in a container: "
                + "docker run --rm -it --network host -v \"$PWD\":/src -w /src mcr.microsoft.com/dotnet/sdk:10.0 ./homestage demo");
        }
        string[] packages = [.. missing.Select(requirement => requirement.Packages[0])];
        if (!machine.IsRoot && !machine.HasSudo)
            return new Refused($"Missing: {names}. Install that with: sudo apt-get update && sudo apt-get install -y --no-install-recommends {string.Join(' ', packages)}");
        return new Planned(packages, WithSudo: !machine.IsRoot, Ask: machine.HasTerminal && !machine.Yes);
    }
}
