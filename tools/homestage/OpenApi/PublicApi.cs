using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool.Deployments;

namespace HomeStage.Tool.OpenApi;

/// <summary>The API document: made of what the services say of themselves, kept in a file that the gateway serves.</summary>
public static class PublicApi
{
    private static readonly string[] Upstreams = ["billing", "entitlements", "staging-api"];

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The file that the gateway serves at <c>/openapi/v1.json</c>.</summary>
    public static string Document => Path.Combine(SourceTree.Root, "services", "gateway", "wwwroot", "openapi", "v1.json");

    /// <summary>The document as the services would have it now. They need no settings for it and connect to nothing.</summary>
    /// <exception cref="ToolException">A service is not built, or cannot say what it is; the message has what it wrote.</exception>
    public static async Task<string> DescribeAsync(CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("homestage-openapi-").FullName;
        try
        {
            var files = await Task.WhenAll(Upstreams.Select(async name =>
            {
                var file = Path.Combine(folder, name + ".json");
                await File.WriteAllTextAsync(file, await RunAsync(name, [], cancel), cancel);
                return $"--Upstreams:{name}={file}";
            }));
            return JsonNode.Parse(await RunAsync("gateway", files, cancel))!.ToJsonString(Readable) + "\n";
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> RunAsync(string service, string[] arguments, CancellationToken cancel)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Programs.AssemblyOf(service), "describe", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await using var stopped = cancel.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await process.WaitForExitAsync(CancellationToken.None);
        cancel.ThrowIfCancellationRequested();
        return process.ExitCode == 0 ? output : throw new ToolException($"{service} cannot describe its API:\n{output}{await errors}");
    }
}
