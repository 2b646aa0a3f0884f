using System.Text.Json;

namespace HomeStage.Billing.Stripe;

/// <summary>An event as Stripe sends it to webhooks and lists it.</summary>
/// <param name="Id"><c>evt_…</c>, the same at every delivery.</param>
/// <param name="Type">For instance <c>checkout.session.completed</c>.</param>
/// <param name="Livemode">Whether it is about real money.</param>
/// <param name="ApiVersion">The version that <paramref name="Object"/> is shaped by.</param>
/// <param name="CreatedAt">When it happened, by Stripe's clock; null if it does not say.</param>
/// <param name="Object">What it is about, as it was then.</param>
internal sealed record StripeEvent(string Id, string Type, bool Livemode, string? ApiVersion, DateTimeOffset? CreatedAt, JsonElement Object)
{
    /// <summary>The Checkout Session that it is about; null if it is about something else.</summary>
    internal CheckoutSession? Session => field ??= CheckoutSession.Read(Object);

    /// <summary>Reads an event; null if the bytes are not one.</summary>
    internal static StripeEvent? Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads an event that Stripe listed; null if it is none.</summary>
    internal static StripeEvent? Read(JsonElement json)
    {
        if (Word(json, "id") is not { } id || Word(json, "type") is not { } type)
            return null;
        var subject = json.Member("data")?.Member("object") ?? default;
        return new StripeEvent(
            id,
            type,
            json.Flag("livemode") ?? false,
            Word(json, "api_version"),
            json.Time("created"),
            subject.ValueKind == JsonValueKind.Undefined ? default : subject.Clone());
    }

    private static string? Word(JsonElement json, string name) =>
        json.Text(name) is { Length: > 0 and <= 255 } text && text.All(letter => letter is > ' ' and <= '~') ? text : null;
}
