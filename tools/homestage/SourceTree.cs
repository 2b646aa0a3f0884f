namespace HomeStage.Tool;

/// <summary>Where the things of this clone are, whatever the current directory is.</summary>
public static class SourceTree
{
    /// <summary>The folder that holds <c>HomeStage.sln</c>, found upwards from the running program.</summary>
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>Release or Debug: what the running program was built as, so that it starts the same kind of the others.</summary>
    public static string Configuration { get; } =
        AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Debug{Path.DirectorySeparatorChar}", StringComparison.Ordinal) ? "Debug" : "Release";

    /// <summary>The assembly of a project, e.g. <c>("services/billing", "HomeStage.Billing")</c>.</summary>
    /// <returns>An absolute path; the file is there once the project was built.</returns>
    public static string Assembly(string project, string name) =>
        Path.Combine(Root, project, "bin", Configuration, "net10.0", name + ".dll");

    private static string Find(string from)
    {
        for (var folder = new DirectoryInfo(from); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "HomeStage.sln")))
                return folder.FullName;
        }
        throw new ToolException($"This program belongs inside a clone of HomeStage, but there is no HomeStage.sln above {from}.");
    }
}
