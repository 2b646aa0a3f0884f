using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Tool;

namespace HomeStage.Simulators.Tests.Infrastructure;

/// <summary>Runs the scripts of <c>tests/npm</c>: the vendors' own clients.</summary>
internal static class VendorClient
{
    public static async Task<JsonNode> Run(string script, string step, object input)
    {
        var (code, output, errors) = await NodeProgram.RunAsync(Path.Combine(SourceTree.Root, "tests", "npm", script), [step, JsonSerializer.Serialize(input)]);
        code.ShouldBe(0, errors);
        return JsonNode.Parse(output)!;
    }
}
