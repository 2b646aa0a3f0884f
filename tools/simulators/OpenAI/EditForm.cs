using Microsoft.Extensions.Primitives;

namespace HomeStage.Simulators.OpenAI;

/// <summary>Reads the text fields of a multipart request with OpenAI's own complaints.</summary>
internal sealed class EditForm(IFormCollection form)
{
    public string? Optional(string name)
    {
        StringValues values = form[name];
        return values.Count == 0 || values[^1] is not { Length: > 0 } text || text == "null" ? null : text;
    }

    public string Required(string name) => Optional(name)
        ?? throw OpenAiException.Invalid($"Missing required parameter: '{name}'.", name, "missing_required_parameter");

    public string Choice(string name, string fallback, params ReadOnlySpan<string> allowed)
    {
        var value = Optional(name) ?? fallback;
        if (allowed.Contains(value))
            return value;
        throw OpenAiException.Invalid($"Invalid value: '{value}'. Supported values are: {Quote(allowed.ToArray())}.", name, "invalid_value");
    }

    private static string Quote(string[] choices) =>
        choices.Length == 1 ? $"'{choices[0]}'" : $"{string.Join(", ", choices[..^1].Select(choice => $"'{choice}'"))}, and '{choices[^1]}'";

    public int? Integer(string name, int min, int max)
    {
        if (Optional(name) is not { } text)
            return null;
        if (!int.TryParse(text, out var value))
            throw OpenAiException.Invalid($"Invalid type for '{name}': expected an integer, but got a string instead.", name, "invalid_type");
        if (value < min)
            throw OpenAiException.Invalid($"Invalid '{name}': integer below minimum value. Expected a value >= {min}, but got {value} instead.", name, "integer_below_min_value");
        if (value > max)
            throw OpenAiException.Invalid($"Invalid '{name}': integer above maximum value. Expected a value <= {max}, but got {value} instead.", name, "integer_above_max_value");
        return value;
    }

    public bool Flag(string name) => Optional(name) switch
    {
        null or "false" or "False" => false,
        "true" or "True" => true,
        _ => throw OpenAiException.Invalid($"Invalid type for '{name}': expected a boolean, but got a string instead.", name, "invalid_type"),
    };

    public void AllowOnly(params ReadOnlySpan<string> known)
    {
        foreach (var name in form.Keys.Concat(form.Files.Select(file => file.Name)))
        {
            if (!known.Contains(name))
                throw OpenAiException.Invalid($"Unknown parameter: '{name}'.", name, "unknown_parameter");
        }
    }
}
