using System.Text.Json.Nodes;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>Stripe's rules for metadata: 50 keys of at most 40 characters, values of at most 500; an empty value removes a key.</summary>
internal static class Metadata
{
    public static JsonObject From(FormValue? sent, JsonObject? before = null)
    {
        var metadata = before?.Copy() ?? [];
        foreach (var name in sent?.Names ?? [])
        {
            var value = sent![name]!.Text ?? throw StripeException.Invalid($"Invalid metadata: {sent.PathOf(name)} must be a string", sent.PathOf(name));
            if (name.Length > 40)
                throw StripeException.Invalid($"Metadata keys can have at most 40 characters: {name}", sent.Path);
            if (value.Length > 500)
                throw StripeException.Invalid($"Metadata values can have up to 500 characters, but you passed in a value that is {value.Length} characters. Invalid value: {value[..20]}…", sent.PathOf(name));
            metadata.Remove(name);
            if (value.Length > 0)
                metadata[name] = value;
        }
        if (metadata.Count > 50)
            throw StripeException.Invalid("Metadata can have at most 50 keys.", sent!.Path);
        return metadata;
    }
}
