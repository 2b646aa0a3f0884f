using Spectre.Console;

namespace HomeStage.Tool.OpenApi;

/// <summary><c>homestage openapi</c>: writes the API document as the services are now; a test fails while the file says something else.</summary>
internal static class OpenApiCommand
{
    public static async Task<int> RunAsync(IAnsiConsole console, CancellationToken stop)
    {
        var now = await PublicApi.DescribeAsync(stop);
        var file = Path.GetRelativePath(SourceTree.Root, PublicApi.Document);
        if (File.Exists(PublicApi.Document) && await File.ReadAllTextAsync(PublicApi.Document, stop) == now)
        {
            console.WriteLine($"{file} says what the services are.");
            return 0;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(PublicApi.Document)!);
        await File.WriteAllTextAsync(PublicApi.Document, now, stop);
        console.WriteLine($"Wrote {file}.");
        return 0;
    }
}
