using System.Globalization;
using System.Text.Json;
using HomeStage.Catalog;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Attempts;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Staging.Stagings;

/// <summary>A JSON body as its members, without a type of its own: so each can be told what is wrong with it.</summary>
internal static class JsonFields
{
    internal const int MaxBytes = 64 * 1024;

    /// <exception cref="ProblemException">Not a JSON object, unreadable, or too large.</exception>
    internal static async Task<IReadOnlyDictionary<string, JsonElement>> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBytes)
            throw new ProblemException(Problem.Result(ProblemCode.PayloadTooLarge, "The JSON may have at most 64 kB. Photos go to POST /api/v1/photos, or as multipart/form-data."));
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBytes;
        try
        {
            using var document = await JsonDocument.ParseAsync(request.Body, new JsonDocumentOptions { AllowDuplicateProperties = false }, cancellationToken);
            RequireTexts(document.RootElement);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.Clone(), StringComparer.Ordinal);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Answered below.
        }

        throw new ProblemException(Problem.Result(ProblemCode.ValidationFailed, "The body is not a JSON object, names a member twice, or has a text that is not Unicode."));
    }

    /// <summary>Reads every name and text once, since half a character (<c>"\ud800"</c>) is found only then.</summary>
    /// <exception cref="InvalidOperationException">One is no text.</exception>
    private static void RequireTexts(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var member in element.EnumerateObject())
                {
                    _ = member.Name;
                    RequireTexts(member.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    RequireTexts(item);
                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
        }
    }
}

/// <summary>Reads the fields of a request that stagings and listings share, one by one, and remembers what is wrong with which.</summary>
/// <param name="fields">By name; the fields of a form are JSON texts.</param>
/// <param name="isForm">Whether numbers and flags come as texts.</param>
internal sealed class StagingFields(IReadOnlyDictionary<string, JsonElement> fields, bool isForm = false)
{
    private const string Prompt = "prompt";

    /// <summary>The fields that <see cref="Choices"/> reads.</summary>
    internal static readonly string[] Options = ["style", Prompt, "declutter", "variations", "quality", "format", "size", "seed"];

    private readonly Dictionary<string, string[]> _errors = new(StringComparer.Ordinal);
    private bool _promptTooLong;

    /// <summary>Something is wrong with a field.</summary>
    internal void Refuse(string name, string reason) => _errors[name] = [reason];

    /// <exception cref="ProblemException"><c>validation_failed</c>, or <c>prompt_too_long</c> where that is all, if anything was wrong.</exception>
    internal void ThrowIfFaulty()
    {
        if (_errors.Count == 0)
            return;
        throw new ProblemException(_promptTooLong && _errors.Count == 1
            ? Problem.Result(ProblemCode.PromptTooLong, _errors[Prompt][0], ("errors", _errors))
            : Problem.Invalid(_errors));
    }

    internal void AllowOnly(string[] known, string others = "")
    {
        foreach (var name in fields.Keys.Except(known, StringComparer.Ordinal))
            Refuse(name, $"There is no such field. Known are {string.Join(", ", known)}{others}.");
    }

    /// <summary>Everything but photo and room.</summary>
    /// <param name="earlier">Whose choices hold where the request says nothing else.</param>
    internal StagingChoices Choices(Job? earlier = null) => new(
        null,
        "",
        OneOf("style", Catalogue.Styles.Select(style => style.Id), earlier?.Style),
        Catalogue.FindQuality(OneOf("quality", Catalogue.Qualities.Select(quality => quality.Id), earlier?.Quality ?? Catalogue.DefaultQuality)) ?? Catalogue.Qualities[0],
        Flag("declutter", earlier?.Declutter ?? false),
        Words(earlier?.Words),
        Number("variations", earlier?.Variations ?? 1, 1, Catalogue.MaxVariations) ?? 1,
        OneOf("format", Catalogue.Formats, earlier?.Format ?? ImageModel.DefaultFormat),
        Size(earlier?.Size),
        Seed(earlier?.Seed));

    internal string Room(string name, string? otherwise = null) => OneOf(name, Catalogue.Rooms.Select(room => room.Id), otherwise);

    internal string OneOf(string name, IEnumerable<string> choices, string? otherwise)
    {
        var id = Text(name) ?? otherwise;
        if (id is null || !choices.Contains(id))
            Refuse(name, $"Use one of {string.Join(", ", choices)}.");
        return id ?? "";
    }

    internal string? Text(string name)
    {
        var given = fields.GetValueOrDefault(name);
        if (given.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return null;
        if (given.ValueKind != JsonValueKind.String)
        {
            Refuse(name, "Send a text.");
            return null;
        }

        return given.GetString();
    }

    private string? Words(string? otherwise)
    {
        var words = fields.ContainsKey(Prompt) ? Text(Prompt)?.Trim() : otherwise;
        _promptTooLong = words?.Length > Catalogue.MaxWords;
        if (_promptTooLong)
            Refuse(Prompt, $"Use at most {Catalogue.MaxWords:N0} characters; these are {words!.Length:N0}.");
        else if (words?.Any(letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t')) == true)
            Refuse(Prompt, "Leave out control characters.");
        return string.IsNullOrEmpty(words) ? null : words;
    }

    private string? Size(string? otherwise)
    {
        var size = fields.ContainsKey("size") ? Text("size") : otherwise;
        if (size is not null && PictureSize.Parse(size) is null)
            Refuse("size", "Use a width and a height in pixels, such as 1536x1024.");
        return size;
    }

    private int? Seed(int? otherwise) =>
        fields.GetValueOrDefault("seed") is { ValueKind: JsonValueKind.Null } ? null : Number("seed", otherwise, 0, int.MaxValue);

    private int? Number(string name, int? otherwise, int smallest, int largest)
    {
        var number = 0;
        var given = fields.GetValueOrDefault(name);
        if (given.ValueKind == JsonValueKind.Undefined)
            return otherwise;
        var whole = given.ValueKind switch
        {
            JsonValueKind.Number => given.TryGetInt32(out number),
            JsonValueKind.String when isForm => int.TryParse(given.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        if (!whole || number < smallest || number > largest)
            Refuse(name, $"Use a whole number from {smallest} to {largest}.");
        return number;
    }

    private bool Flag(string name, bool otherwise)
    {
        var given = fields.GetValueOrDefault(name);
        var (valid, flag) = given.ValueKind switch
        {
            JsonValueKind.Undefined => (true, otherwise),
            JsonValueKind.False => (true, false),
            JsonValueKind.True => (true, true),
            JsonValueKind.String when isForm && bool.TryParse(given.GetString(), out var parsed) => (true, parsed),
            _ => (false, false),
        };
        if (!valid)
            Refuse(name, "Use true or false.");
        return flag;
    }
}
