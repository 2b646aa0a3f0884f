using System.Text.Json;
using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Layout;

/// <summary>What the vision model said of a photo.</summary>
/// <param name="Zones">The parts that stay free, in a fixed order; null when it said nothing that can be used.</param>
/// <param name="Problem">Why not: <c>refused</c>, <c>truncated</c> or <c>malformed</c>; null when there are zones.</param>
/// <param name="InputTokens">Tokens read, if they were counted.</param>
/// <param name="OutputTokens">Tokens written, if they were counted.</param>
internal sealed record LayoutAnswer(IReadOnlyList<Zone>? Zones, string? Problem, long? InputTokens, long? OutputTokens)
{
    internal const string Malformed = "malformed";

    /// <summary>More zones than a room has make no sense.</summary>
    internal const int MostZones = 24;

    // Models round: a box may leave the picture by this much, and is cut to it.
    private const double Slack = 0.02;
    private const double Smallest = 0.005;

    // What covers more than this is the room itself, and tells nothing about where furniture may stand.
    private const double LargestArea = 0.6;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    private static readonly Dictionary<string, ZoneKind> Kinds = Enum.GetValues<ZoneKind>().ToDictionary(LayoutQuestion.NameOf, StringComparer.Ordinal);

    /// <summary>Reads the body of a success: a chat completion (OpenAI's API reference, "The chat completion object"). Pure.</summary>
    internal static LayoutAnswer Read(BinaryData body)
    {
        try
        {
            using var json = JsonDocument.Parse(body.ToMemory());
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return Nothing(Malformed);
            var (input, output) = (ProviderAnswer.Tokens(root, "prompt_tokens"), ProviderAnswer.Tokens(root, "completion_tokens"));
            return Said(root) with { InputTokens = input, OutputTokens = output };
        }
        catch (JsonException)
        {
            return Nothing(Malformed);
        }
    }

    /// <summary>Reads zones in the form of the schema; null when they are in any other, or cannot be. Pure.</summary>
    internal static IReadOnlyList<Zone>? ReadZones(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text, Strict);
            if (json.RootElement.ValueKind != JsonValueKind.Object || json.RootElement.EnumerateObject().Count() != 1
                || !json.RootElement.TryGetProperty("zones", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MostZones)
            {
                return null;
            }

            var zones = list.EnumerateArray().Select(ZoneOf).ToList();
            if (zones.Any(zone => zone is null))
                return null;
            return [.. zones.Select(zone => zone!.Value).Where(zone => zone.Width * zone.Height <= LargestArea).Distinct().OrderBy(zone => zone.Kind).ThenBy(zone => zone.X).ThenBy(zone => zone.Y)];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static LayoutAnswer Said(JsonElement root)
    {
        if (!root.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() != 1
            || choices[0].ValueKind != JsonValueKind.Object || !choices[0].TryGetProperty("message", out var message) || message.ValueKind != JsonValueKind.Object)
        {
            return Nothing(Malformed);
        }

        var finish = ProviderAnswer.Text(choices[0], "finish_reason");
        if (finish == "content_filter" || ProviderAnswer.Text(message, "refusal") is not null)
            return Nothing("refused");
        if (finish == "length")
            return Nothing("truncated");
        return ProviderAnswer.Text(message, "content") is { } content && ReadZones(content) is { } zones
            ? new LayoutAnswer(zones, Problem: null, InputTokens: null, OutputTokens: null)
            : Nothing(Malformed);
    }

    private static LayoutAnswer Nothing(string problem) => new(Zones: null, problem, InputTokens: null, OutputTokens: null);

    private static Zone? ZoneOf(JsonElement item)
    {
        if (item.ValueKind != JsonValueKind.Object || item.EnumerateObject().Count() != 5
            || ProviderAnswer.Text(item, "kind") is not { } name || !Kinds.TryGetValue(name, out var kind)
            || Share(item, "x") is not { } x || Share(item, "y") is not { } y || Share(item, "width") is not { } width || Share(item, "height") is not { } height
            || x + width > 1 + Slack || y + height > 1 + Slack)
        {
            return null;
        }

        (width, height) = (Math.Min(width, 1 - x), Math.Min(height, 1 - y));
        return width >= Smallest && height >= Smallest ? new Zone(kind, x, y, width, height) : null;
    }

    private static double? Share(JsonElement item, string name) =>
        item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and <= 1
            ? number
            : null;
}
