using Spectre.Console;

namespace HomeStage.Tool.Observe;

/// <summary><c>homestage generate</c>: writes the files that follow from the code.</summary>
internal static class GenerateCommand
{
    /// <summary>Every such file by its path in the clone, with the content that it should have.</summary>
    public static IReadOnlyDictionary<string, string> Files()
    {
        var files = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [MetricsPage.File] = MetricsPage.Render(MetricCatalog.Ours(), MetricCatalog.Foreign),
        };
        foreach (var dashboard in Dashboards.All)
            files.Add($"deploy/grafana/{dashboard.Id}.json", dashboard.Json());
        return files;
    }

    public static async Task<int> RunAsync(IAnsiConsole console, CancellationToken stop)
    {
        foreach (var (path, content) in Files())
        {
            var file = Path.Combine(SourceTree.Root, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, content, stop);
            console.WriteLine(path);
        }

        return 0;
    }
}
