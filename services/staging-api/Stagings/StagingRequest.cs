using System.Globalization;
using System.Text.Json;
using HomeStage.Catalog;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Photos;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Staging.Stagings;

/// <summary>
/// The body of <c>POST /api/v1/stagings</c> as it was sent: JSON with <c>photoId</c>, or multipart with <c>photo</c> and the
/// same fields; or that of <c>…/regenerate</c>, which says what is to be other than before. <see cref="Validate"/> turns it into choices.
/// </summary>
/// <param name="Fields">By name; the fields of a form are JSON texts.</param>
/// <param name="Photo">The file, if one was sent.</param>
/// <param name="IsForm">Whether it was multipart.</param>
internal sealed record StagingRequest(IReadOnlyDictionary<string, JsonElement> Fields, byte[]? Photo, bool IsForm)
{
    private const int MaxJsonBytes = 64 * 1024;
    private const string PhotoIdName = "photoId";
    private static readonly string[] Options = ["room", "style", "prompt", "declutter", "variations", "quality", "format", "size", "seed"];

    /// <summary>The staging whose photo is used again, and whose choices hold where the request says nothing else.</summary>
    internal Job? Earlier { get; init; }

    /// <exception cref="ProblemException">Neither JSON nor multipart, unreadable, or too large.</exception>
    internal static async Task<StagingRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.HasJsonContentType())
            return new StagingRequest(await ReadJsonAsync(request, cancellationToken), null, IsForm: false);
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true)
            return await ReadFormAsync(request, cancellationToken);
        throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json with photoId, or multipart/form-data with the photo."));
    }

    /// <exception cref="ProblemException">Not JSON, unreadable, or too large.</exception>
    internal static async Task<StagingRequest> ReadChangeAsync(HttpRequest request, Job earlier, CancellationToken cancellationToken) => request.HasJsonContentType()
        ? new StagingRequest(await ReadJsonAsync(request, cancellationToken), null, IsForm: false) { Earlier = earlier }
        : throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json with what is to be other than before."));

    /// <summary>All that the request said, hashed.</summary>
    internal byte[] ComputeFingerprint() => Fingerprint.Of(Earlier is null ? "staging" : $"regenerate {Earlier.Id}", Fields, Photo ?? []);

    /// <summary>The choices.</summary>
    /// <exception cref="ProblemException">
    /// <c>validation_failed</c> with the reason for every faulty field; <c>option_not_supported</c> for what the model in use does not have.
    /// </exception>
    internal StagingChoices Validate(ImageModel model)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        string[] known = Earlier is null ? [PhotoIdName, .. Options] : Options;
        foreach (var name in Fields.Keys.Except(known, StringComparer.Ordinal))
            errors[name] = [$"There is no such field. Known are {string.Join(", ", known)}{(IsForm ? ", photo" : "")}."];

        var choices = new StagingChoices(
            Earlier is null ? PhotoId(errors) : null,
            OneOf("room", Catalogue.Rooms.Select(room => room.Id), Earlier?.Room, errors),
            OneOf("style", Catalogue.Styles.Select(style => style.Id), Earlier?.Style, errors),
            Catalogue.FindQuality(OneOf("quality", Catalogue.Qualities.Select(quality => quality.Id), Earlier?.Quality ?? Catalogue.DefaultQuality, errors)) ?? Catalogue.Qualities[0],
            Flag("declutter", Earlier?.Declutter ?? false, errors),
            Words(errors),
            Number("variations", Earlier?.Variations ?? 1, 1, Catalogue.MaxVariations, errors) ?? 1,
            OneOf("format", Catalogue.Formats, Earlier?.Format ?? ImageModel.DefaultFormat, errors),
            Size(errors),
            Number("seed", Earlier?.Seed, 0, int.MaxValue, errors));
        if (errors.Count > 0)
            throw new ProblemException(Problem.Invalid(errors));
        choices.RequireSupported(model);
        return choices;
    }

    private static async Task<IReadOnlyDictionary<string, JsonElement>> ReadJsonAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxJsonBytes)
            throw new ProblemException(Problem.Result(ProblemCode.PayloadTooLarge, "The JSON may have at most 64 kB. Photos go to POST /api/v1/photos, or as multipart/form-data."));
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxJsonBytes;
        try
        {
            using var document = await JsonDocument.ParseAsync(request.Body, new JsonDocumentOptions { AllowDuplicateProperties = false }, cancellationToken);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.Clone(), StringComparer.Ordinal);
        }
        catch (JsonException)
        {
            // Answered below.
        }

        throw new ProblemException(Problem.Result(ProblemCode.ValidationFailed, "The body is not a JSON object, or names a member twice."));
    }

    private static async Task<StagingRequest> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > PhotoRoutes.MaxRequestBytes)
            throw PhotoBody.TooLarge();
        IFormCollection form;
        try
        {
            // Photos over 64 kB wait in a temporary file, not in memory.
            form = await request.ReadFormAsync(new FormOptions { MultipartBodyLengthLimit = PhotoRoutes.MaxRequestBytes, ValueCountLimit = 20, ValueLengthLimit = MaxJsonBytes }, cancellationToken);
        }
        catch (Exception error) when (error is InvalidDataException or IOException and not BadHttpRequestException)
        {
            throw new ProblemException(Problem.Result(ProblemCode.ValidationFailed, "The multipart body cannot be read: check its boundary and the sizes of its fields."));
        }

        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, values) in form)
        {
            if (values.Count != 1)
                throw new ProblemException(Problem.Invalid(name, "Send the field once."));
            fields[name] = JsonSerializer.SerializeToElement(values.ToString());
        }

        if (form.Files.Count == 0)
            return new StagingRequest(fields, null, IsForm: true);
        if (form.Files is not [{ Name: "photo" } file])
            throw new ProblemException(Problem.Invalid("photo", "Send exactly one file, in the field photo."));
        await using var content = file.OpenReadStream();
        return new StagingRequest(fields, await PhotoBody.ReadAsync(content, file.Length, cancellationToken), IsForm: true);
    }

    private Guid? PhotoId(Dictionary<string, string[]> errors)
    {
        var id = Text(PhotoIdName, errors);
        if (id is not null && Photo is not null)
            errors[PhotoIdName] = ["Send a photo or a photoId, not both."];
        else if (id is null && Photo is null)
            errors[IsForm ? "photo" : PhotoIdName] = [IsForm ? "Send the photo as a file, or a photoId." : "Send the id that POST /api/v1/photos answered."];
        else if (id is not null && !Guid.TryParse(id, out _))
            errors[PhotoIdName] = ["Send the id that POST /api/v1/photos answered."];
        return Guid.TryParse(id, out var parsed) ? parsed : null;
    }

    private string OneOf(string name, IEnumerable<string> choices, string? otherwise, Dictionary<string, string[]> errors)
    {
        var id = Text(name, errors) ?? otherwise;
        if (id is null || !choices.Contains(id))
            errors[name] = [$"Use one of {string.Join(", ", choices)}."];
        return id ?? "";
    }

    private string? Words(Dictionary<string, string[]> errors)
    {
        var words = Fields.ContainsKey("prompt") ? Text("prompt", errors)?.Trim() : Earlier?.Words;
        if (words?.Length > Catalogue.MaxWords)
            errors["prompt"] = [$"Use at most {Catalogue.MaxWords:N0} characters; these are {words.Length:N0}."];
        else if (words?.Any(letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t')) == true)
            errors["prompt"] = ["Leave out control characters."];
        return string.IsNullOrEmpty(words) ? null : words;
    }

    private string? Size(Dictionary<string, string[]> errors)
    {
        var size = Fields.ContainsKey("size") ? Text("size", errors) : Earlier?.Size;
        if (size is not null && PictureSize.Parse(size) is null)
            errors["size"] = ["Use a width and a height in pixels, such as 1536x1024."];
        return size;
    }

    private int? Number(string name, int? otherwise, int smallest, int largest, Dictionary<string, string[]> errors)
    {
        var number = 0;
        var given = Fields.GetValueOrDefault(name);
        if (given.ValueKind == JsonValueKind.Undefined)
            return otherwise;
        var whole = given.ValueKind switch
        {
            JsonValueKind.Number => given.TryGetInt32(out number),
            JsonValueKind.String when IsForm => int.TryParse(given.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number),
            _ => false,
        };
        if (!whole || number < smallest || number > largest)
            errors[name] = [$"Use a whole number from {smallest} to {largest}."];
        return number;
    }

    private bool Flag(string name, bool otherwise, Dictionary<string, string[]> errors)
    {
        var given = Fields.GetValueOrDefault(name);
        var (valid, flag) = given.ValueKind switch
        {
            JsonValueKind.Undefined => (true, otherwise),
            JsonValueKind.False => (true, false),
            JsonValueKind.True => (true, true),
            JsonValueKind.String when IsForm && bool.TryParse(given.GetString(), out var parsed) => (true, parsed),
            _ => (false, false),
        };
        if (!valid)
            errors[name] = ["Use true or false."];
        return flag;
    }

    private string? Text(string name, Dictionary<string, string[]> errors)
    {
        var given = Fields.GetValueOrDefault(name);
        if (given.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
            return null;
        if (given.ValueKind != JsonValueKind.String)
        {
            errors[name] = ["Send a text."];
            return null;
        }

        return given.GetString();
    }
}

/// <summary>A valid request's choices. Without <paramref name="PhotoId"/> the photo came with the request, or is that of an earlier staging.</summary>
internal sealed record StagingChoices(
    Guid? PhotoId, string Room, string Style, Quality Quality, bool Declutter, string? Words, int Variations, string Format, string? Size, int? Seed)
{
    /// <exception cref="ProblemException"><c>option_not_supported</c>, naming what can be asked for.</exception>
    internal void RequireSupported(ImageModel model)
    {
        var sizes = model.Sizes.Select(size => size.ToString()).ToArray();
        if (!model.Qualities.ContainsKey(Quality.Id))
            throw Unsupported("quality", [.. Catalogue.Qualities.Select(quality => quality.Id).Where(model.Qualities.ContainsKey)]);
        if (!model.Formats.Contains(Format))
            throw Unsupported("format", [.. model.Formats]);
        if (Size is not null && !sizes.Contains(Size))
            throw Unsupported("size", sizes);
        if (Seed is not null && !model.Seed)
            throw Unsupported("seed", []);
    }

    private static ProblemException Unsupported(string option, string[] supported) => new(Problem.Result(
        ProblemCode.OptionNotSupported,
        supported.Length == 0 ? $"The image model in use has no {option}: leave it out." : $"The image model in use has no such {option}. It has {string.Join(", ", supported)}.",
        ("option", option),
        ("supported", supported)));
}
