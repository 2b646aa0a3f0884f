using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>Short reading of Stripe's objects, which are kept as the JSON that they are on the wire.</summary>
internal static class JsonAccess
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true };
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Text(this JsonObject json, string name) => json[name]!.GetValue<string>();

    public static string? TextOrNull(this JsonObject json, string name) => json[name]?.GetValue<string>();

    public static long Number(this JsonObject json, string name) => json[name]!.GetValue<long>();

    public static bool Flag(this JsonObject json, string name) => json[name]!.GetValue<bool>();

    public static string Id(this JsonObject json) => json.Text("id");

    public static string Kind(this JsonObject json) => json.Text("object");

    public static JsonObject Copy(this JsonObject json) => json.DeepClone().AsObject();

    /// <summary>As Stripe writes it: two spaces a level.</summary>
    public static string ToWire(this JsonNode json) => json.ToJsonString(Readable);

    public static string ToLine(this JsonNode json) => json.ToJsonString(Compact);
}
