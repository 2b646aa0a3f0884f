using System.Diagnostics;
using System.Text.Json.Nodes;
using HomeStage.Testing;

namespace HomeStage.EndToEnd.Tests;

/// <summary><c>./homestage …</c> as a person runs it, on the data folder of a running system.</summary>
internal static class ToolCommand
{
    internal static async Task<(int ExitCode, string Output)> RunAsync(TestStack stack, params string[] arguments)
    {
        var (exitCode, output, errors) = await StartAsync(stack, arguments, token: null);
        return (exitCode, output + errors);
    }

    /// <summary>A support command with <c>--json</c> that must succeed; gives its answer.</summary>
    internal static async Task<JsonNode> SupportAsync(TestStack stack, params string[] arguments)
    {
        var (exitCode, output, errors) = await StartAsync(stack, ["support", .. arguments, "--json"], token: null);
        exitCode.ShouldBe(0, errors);
        return JsonNode.Parse(output)!;
    }

    /// <summary>The same as somebody with another token.</summary>
    internal static async Task<(int ExitCode, string Output)> RunAsAsync(TestStack stack, string token, params string[] arguments)
    {
        var (exitCode, output, errors) = await StartAsync(stack, arguments, token);
        return (exitCode, output + errors);
    }

    private static async Task<(int ExitCode, string Output, string Errors)> StartAsync(TestStack stack, string[] arguments, string? token)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "HomeStage.Tool.dll"), .. arguments, "--data", stack.DataFolderPath])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (token is not null)
            start.Environment["SUPPORT_TOKEN"] = token;
        using var tool = Process.Start(start)!;
        var output = await Task.WhenAll(tool.StandardOutput.ReadToEndAsync(), tool.StandardError.ReadToEndAsync());
        await tool.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (tool.ExitCode, output[0], output[1]);
    }
}
