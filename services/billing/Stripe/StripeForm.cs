using System.Text.Json;
using System.Text.Json.Nodes;

namespace HomeStage.Billing.Stripe;

/// <summary>
/// Stripe takes forms, with nesting in the names: <c>line_items[0][price_data][currency]=usd</c>.
/// </summary>
internal static class StripeForm
{
    /// <summary>The fields of a tree; members that are null are left out.</summary>
    internal static IEnumerable<KeyValuePair<string, string>> Flatten(JsonObject tree) => tree.SelectMany(member => Flatten(member.Key, member.Value));

    private static IEnumerable<KeyValuePair<string, string>> Flatten(string name, JsonNode? node) => node switch
    {
        null => [],
        JsonObject tree => tree.SelectMany(member => Flatten($"{name}[{member.Key}]", member.Value)),
        JsonArray list => list.SelectMany((item, index) => Flatten($"{name}[{index}]", item)),
        _ => [new(name, node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : node.ToJsonString())],
    };
}
