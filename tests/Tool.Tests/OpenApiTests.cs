using System.Text.Json.Nodes;
using HomeStage.Testing;
using HomeStage.Tool.OpenApi;
using Shouldly;
using Xunit;

namespace HomeStage.Tool.Tests;

/// <summary>The API document that the gateway serves is a file of this repository.</summary>
public sealed class OpenApiTests
{
    [Fact]
    public async Task The_API_document_says_what_the_services_are()
    {
        var kept = await File.ReadAllTextAsync(PublicApi.Document, TestContext.Current.CancellationToken);

        (await PublicApi.DescribeAsync(TestContext.Current.CancellationToken)).ShouldBe(kept, "write it anew with ./homestage openapi");
    }

    [Fact]
    public async Task Redocly_finds_nothing_to_say_about_the_API_document()
    {
        // It would ask its maker for news and tell how it is used.
        var quiet = new Dictionary<string, string>(StringComparer.Ordinal) { ["REDOCLY_TELEMETRY"] = "off", ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true" };

        var (_, output, errors) = await NodeProgram.RunAsync(
            Path.Combine(SourceTree.Root, "tests", "npm", "redocly.mjs"), ["lint", PublicApi.Document, "--config", "redocly.yaml", "--format", "json"], quiet);

        var totals = JsonNode.Parse(output)?["totals"];
        ((int?)totals?["errors"], (int?)totals?["warnings"], (int?)totals?["ignored"]).ShouldBe((0, 0, 0), output + errors);
    }
}
