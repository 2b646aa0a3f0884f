using System.Text.Json;
using System.Text.RegularExpressions;

namespace HomeStage.Simulators.OpenAI;

/// <summary>A validated request for a chat completion about one picture or more, answered by a JSON schema.</summary>
internal sealed partial record ChatRequest
{
    private static readonly string[] Parameters =
    [
        "model", "messages", "response_format", "max_completion_tokens", "max_tokens", "reasoning_effort", "store", "safety_identifier", "user", "temperature",
        "top_p", "n", "seed", "metadata", "service_tier", "stream", "prompt_cache_key", "verbosity",
    ];

    private static readonly string[] Efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];

    public required VisionModel Model { get; init; }

    /// <summary>Characters of text in all messages.</summary>
    public required int TextLength { get; init; }

    public required IReadOnlyList<ImageHeader> Images { get; init; }

    /// <summary>The name of the schema; null where free text is asked for.</summary>
    public required string? SchemaName { get; init; }

    public required JsonElement? Schema { get; init; }

    /// <summary>Values of scalar parameters, as they are shown at <c>/control/stats</c>.</summary>
    public required IReadOnlyDictionary<string, string> Shown { get; init; }

    /// <summary>Reads and checks a request in the order of OpenAI's service.</summary>
    public static ChatRequest Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw OpenAiException.Invalid("We could not parse the JSON body of your request. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.", null, null);
        if (root.EnumerateObject().Select(property => property.Name).FirstOrDefault(name => !Parameters.Contains(name)) is { } unknown)
            throw OpenAiException.Invalid($"Unknown parameter: '{unknown}'.", unknown, "unknown_parameter");
        var model = VisionModels.Find(Text(root, "model") ?? throw OpenAiException.Invalid("you must provide a model parameter", null, null));
        if (root.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True)
            throw OpenAiException.Invalid("Streaming is not simulated here.", "stream", "invalid_value");
        if (model.Reasons && root.TryGetProperty("max_tokens", out _))
            throw OpenAiException.Invalid("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "max_tokens", "unsupported_parameter");
        if (Text(root, "reasoning_effort") is { } effort && (!model.Reasons || !Efforts.Contains(effort)))
        {
            throw model.Reasons
                ? OpenAiException.Invalid($"Invalid value: '{effort}'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'.", "reasoning_effort", "invalid_value")
                : OpenAiException.Invalid("Unrecognized request argument supplied: reasoning_effort", null, null);
        }
        if (!root.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
            throw OpenAiException.Invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
        var parts = messages.EnumerateArray().SelectMany(PartsOf).ToList();
        var (name, schema) = FormatOf(root);
        return new ChatRequest
        {
            Model = model,
            TextLength = parts.Sum(part => part.Text?.Length ?? 0),
            Images = [.. parts.Select(part => part.Image).OfType<ImageHeader>()],
            SchemaName = name,
            Schema = schema,
            Shown = root.EnumerateObject().Where(property => property.Value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
                .ToDictionary(property => property.Name, property => property.Value.ToString()),
        };
    }

    private static IEnumerable<(string? Text, ImageHeader? Image)> PartsOf(JsonElement message, int at)
    {
        if (message.ValueKind != JsonValueKind.Object || Text(message, "role") is not ("system" or "developer" or "user" or "assistant"))
            throw OpenAiException.Invalid($"Invalid value for 'messages[{at}].role'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", $"messages[{at}].role", "invalid_value");
        if (!message.TryGetProperty("content", out var content))
            throw OpenAiException.Invalid($"Missing required parameter: 'messages[{at}].content'.", $"messages[{at}].content", "missing_required_parameter");
        return content.ValueKind switch
        {
            JsonValueKind.String => [(content.GetString(), null)],
            JsonValueKind.Array => content.EnumerateArray().Select((part, index) => PartOf(part, $"messages[{at}].content[{index}]")).ToList(),
            _ => throw OpenAiException.Invalid($"Invalid type for 'messages[{at}].content': expected one of a string or array of objects.", $"messages[{at}].content", "invalid_type"),
        };
    }

    private static (string? Text, ImageHeader? Image) PartOf(JsonElement part, string where)
    {
        switch (Text(part, "type"))
        {
            case "text":
                return (Text(part, "text"), null);
            case "image_url" when part.TryGetProperty("image_url", out var image) && Text(image, "url") is { } url:
                var match = DataUrl().Match(url);
                if (!match.Success)
                    throw OpenAiException.Invalid("Only data URLs are simulated here.", $"{where}.image_url.url", "invalid_value");
                return (null, HeaderOf(match.Groups["data"].Value));
            default:
                throw OpenAiException.Invalid($"Invalid value: '{Text(part, "type")}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'.", $"{where}.type", "invalid_value");
        }
    }

    private static ImageHeader HeaderOf(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) && ImageHeader.Read(bytes.AsSpan(0, length)) is { } header
            ? header
            : throw OpenAiException.Invalid("You uploaded an unsupported image. Please make sure your image is valid and has one of the following formats: ['png', 'jpeg', 'gif', 'webp'].", null, "invalid_image_format");
    }

    private static (string? Name, JsonElement? Schema) FormatOf(JsonElement root)
    {
        if (!root.TryGetProperty("response_format", out var format) || Text(format, "type") != "json_schema")
            return default;
        if (!format.TryGetProperty("json_schema", out var named) || Text(named, "name") is not { } name || !SchemaNames().IsMatch(name))
            throw OpenAiException.Invalid("Missing required parameter: 'response_format.json_schema'.", "response_format.json_schema", "missing_required_parameter");
        if (!named.TryGetProperty("schema", out var schema))
            throw OpenAiException.Invalid("Missing required parameter: 'response_format.json_schema.schema'.", "response_format.json_schema.schema", "missing_required_parameter");
        if (named.TryGetProperty("strict", out var strict) && strict.ValueKind == JsonValueKind.True)
            RequireStrict(name, schema, "()");
        return (name, schema.Clone());
    }

    /// <summary>What strict mode demands of every object: all properties required, no others.</summary>
    private static void RequireStrict(string name, JsonElement schema, string context)
    {
        if (Text(schema, "type") == "object")
        {
            if (!schema.TryGetProperty("additionalProperties", out var additional) || additional.ValueKind != JsonValueKind.False)
                throw Refuse("'additionalProperties' is required to be supplied and to be false.");
            var properties = schema.TryGetProperty("properties", out var found) ? found.EnumerateObject().ToList() : [];
            var required = schema.TryGetProperty("required", out var list) ? list.EnumerateArray().Select(item => item.GetString()).ToList() : [];
            if (properties.Select(property => property.Name).FirstOrDefault(property => !required.Contains(property)) is { } missing)
                throw Refuse($"'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'.");
            foreach (var property in properties)
                RequireStrict(name, property.Value, $"('properties', '{property.Name}')");
        }
        else if (schema.TryGetProperty("items", out var items))
        {
            RequireStrict(name, items, "('items',)");
        }

        OpenAiException Refuse(string why) => OpenAiException.Invalid($"Invalid schema for response_format '{name}': In context={context}, {why}", "response_format", null);
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    [GeneratedRegex("^data:image/(png|jpeg|gif|webp);base64,(?<data>[A-Za-z0-9+/=]+)$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex DataUrl();

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}$", RegexOptions.NonBacktracking)]
    private static partial Regex SchemaNames();
}
