using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Fixtures;

/// <summary>A fresh object with all fields that Stripe's own has.</summary>
internal static class Template
{
    public static JsonObject Of(string type)
    {
        using var stream = typeof(Template).Assembly.GetManifestResourceStream($"fixture/{type}")
            ?? throw new ArgumentException($"There is no fixture of {type}.", nameof(type));
        return JsonNode.Parse(stream)!.AsObject();
    }
}
