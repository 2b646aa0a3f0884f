namespace HomeStage.Tool.Deployments;

/// <summary>The programs of this clone that a deployment runs.</summary>
public static class Programs
{
    private static readonly Dictionary<string, (string Project, string Assembly)> ByName = new(StringComparer.Ordinal)
    {
        ["gateway"] = ("services/gateway", "HomeStage.Gateway"),
        ["billing"] = ("services/billing", "HomeStage.Billing"),
        ["entitlements"] = ("services/entitlements", "HomeStage.Entitlements"),
        ["staging-api"] = ("services/staging-api", "HomeStage.Staging"),
        ["staging-worker"] = ("services/staging-worker", "HomeStage.Worker"),
        ["simulators"] = ("tools/simulators", "HomeStage.Simulators"),
    };

    /// <summary>The provider to sign in at on this machine, the one program that is not .NET; its packages lie beside it.</summary>
    internal static string SignInScript => Path.Combine(SourceTree.Root, "tools", "sign-in", "server.mjs");

    /// <summary>What runs a program, and the file to run.</summary>
    internal static (string Runtime, string File) Find(string name) => name == "sign-in" ? ("node", SignInScript) : ("dotnet", AssemblyOf(name));

    /// <summary>The assembly of a service, or of the <c>simulators</c>, to be run with <c>dotnet</c>.</summary>
    /// <exception cref="ToolException">There is no such program, or it was not built.</exception>
    public static string AssemblyOf(string name)
    {
        if (!ByName.TryGetValue(name, out var program))
            throw new ToolException($"There is no program named {name}; there are {string.Join(", ", ByName.Keys)}.");
        var assembly = SourceTree.Assembly(program.Project, program.Assembly);
        return File.Exists(assembly)
            ? assembly
            : throw new ToolException($"{program.Project} is not built: run 'dotnet build {program.Project} -c {SourceTree.Configuration}', or start with ./homestage, which does.");
    }
}
