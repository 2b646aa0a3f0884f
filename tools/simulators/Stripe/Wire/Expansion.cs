using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary><c>expand[]</c>: puts objects in the place of their ids, along paths such as <c>latest_charge.refunds</c>.</summary>
internal static class Expansion
{
    private const int MaxDepth = 4;

    public static JsonObject Apply(JsonObject result, FormValue? expand, StripeChange change)
    {
        var expanded = result.Copy();
        foreach (var path in expand?.Items ?? [])
        {
            var names = (path.Text ?? "").Split('.');
            if (names.Length > MaxDepth)
                throw StripeException.Invalid($"You cannot expand more than {MaxDepth} levels of a property ({path.Text}).");
            Expand(expanded, names, path.Text!, change);
        }
        return expanded;
    }

    private static void Expand(JsonObject json, ReadOnlySpan<string> names, string path, StripeChange change)
    {
        if (names.IsEmpty)
            return;
        var name = names[0];
        if (json.Kind() == "list" && name == "data")
        {
            foreach (var item in json["data"]!.AsArray())
                Expand(item!.AsObject(), names[1..], path, change);
            return;
        }
        json[name] = (json.Kind(), name) switch
        {
            ("charge", "refunds") => json[name] as JsonObject ?? ListPage.Whole(
                $"/v1/charges/{json.Id()}/refunds", change.Newest("refund").Where(refund => refund.TextOrNull("charge") == json.Id())),
            ("checkout.session", "line_items") => json[name] as JsonObject ?? LineItems(json.Id(), change),
            _ => Referenced(json, name, path, change),
        };
        if (json[name] is JsonObject inner)
            Expand(inner, names[1..], path, change);
    }

    public static JsonObject LineItems(string session, StripeChange change) => ListPage.Whole(
        $"/v1/checkout/sessions/{session}/line_items", change.Find($"{session}/line_items")!["data"]!.AsArray().Select(item => item!.AsObject()));

    private static JsonNode? Referenced(JsonObject json, string name, string path, StripeChange change)
    {
        if (!json.TryGetPropertyValue(name, out var value))
            throw StripeException.Invalid($"This property cannot be expanded ({path}).", "expand");
        return value switch
        {
            null => null,
            JsonObject done => done.DeepClone(),
            JsonValue id when id.TryGetValue<string>(out var text) => change.Find(text) ?? value.DeepClone(),
            _ => throw StripeException.Invalid($"This property cannot be expanded ({path}).", "expand"),
        };
    }
}
