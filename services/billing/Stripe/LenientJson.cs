using System.Text.Json;

namespace HomeStage.Billing.Stripe;

/// <summary>Reads JSON without complaint: what is missing or of another type is null.</summary>
internal static class LenientJson
{
    internal static JsonElement? Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var member) ? member : null;

    internal static string? Text(this JsonElement json, string name)
    {
        if (json.Member(name) is not { ValueKind: JsonValueKind.String } text)
            return null;
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair, or bytes that are not UTF-8.
            return null;
        }
    }

    internal static long? Number(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt64(out var value) ? value : null;

    internal static bool? Flag(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } flag ? flag.GetBoolean() : null;

    /// <summary>Seconds since 1970, as Stripe writes times.</summary>
    internal static DateTimeOffset? Time(this JsonElement json, string name) =>
        json.Number(name) is >= 0 and <= 253_402_300_799 and var seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
