using System.Text.Json;
using HomeStage.Contracts;

namespace HomeStage.Worker.Provider;

/// <summary>A successful answer.</summary>
internal sealed record ProviderAnswer
{
    /// <summary>The pictures' bytes in the provider's order; what was no base64 is left out. They are images only if they can be decoded.</summary>
    public required IReadOnlyList<byte[]> Pictures { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    /// <summary>What is known of the call, tokens and cost included.</summary>
    public ProviderUsage Usage { get; init; } = new() { Model = "", DurationMilliseconds = 0 };

    /// <summary>Reads the body of a success.</summary>
    /// <returns>Null when it is none.</returns>
    internal static ProviderAnswer? Read(BinaryData body, int count)
    {
        try
        {
            using var json = JsonDocument.Parse(body.ToMemory());
            if (json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            return new ProviderAnswer
            {
                Pictures = [.. data.EnumerateArray().Select(PictureOf).OfType<byte[]>().Take(count)],
                InputTokens = Tokens(json.RootElement, "input_tokens"),
                OutputTokens = Tokens(json.RootElement, "output_tokens"),
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads <c>error.code</c> and <c>error.type</c>; the message is never read.</summary>
    internal static (string? Code, string? Type) ReadError(BinaryData body)
    {
        try
        {
            using var json = JsonDocument.Parse(body.ToMemory());
            return ErrorOf(json.RootElement);
        }
        catch (JsonException)
        {
            return default;
        }
    }

    /// <inheritdoc cref="ReadError"/>
    internal static (string? Code, string? Type) ErrorOf(JsonElement root) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object
            ? (Text(error, "code"), Text(error, "type"))
            : default;

    /// <summary>What the last event of a stream says.</summary>
    internal static ProviderAnswer OfCompleted(JsonElement completed) => new()
    {
        Pictures = PictureOf(completed) is { } picture ? [picture] : [],
        InputTokens = Tokens(completed, "input_tokens"),
        OutputTokens = Tokens(completed, "output_tokens"),
    };

    internal static byte[]? PictureOf(JsonElement item) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty("b64_json", out var text)
        && text.ValueKind == JsonValueKind.String && text.TryGetBytesFromBase64(out var bytes)
            ? bytes
            : null;

    internal static long? Tokens(JsonElement root, string name) =>
        root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
        && usage.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count)
            ? count
            : null;

    internal static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
