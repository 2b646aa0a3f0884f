using System.Text.Json;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Catalog;
using HomeStage.Staging.Photos;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Staging.Stagings;

/// <summary>
/// The body of <c>POST /api/v1/stagings</c> as it was sent: JSON with <c>photoId</c>, or multipart with <c>photo</c> and the
/// same fields. <see cref="Validate"/> turns it into choices.
/// </summary>
/// <param name="Fields">By name; the fields of a form are JSON texts.</param>
/// <param name="Photo">The file, if one was sent.</param>
/// <param name="IsForm">Whether it was multipart.</param>
internal sealed record StagingRequest(IReadOnlyDictionary<string, JsonElement> Fields, byte[]? Photo, bool IsForm)
{
    private const int MaxJsonBytes = 64 * 1024;
    private static readonly string[] Names = ["photoId", "room", "style", "prompt", "declutter", "variations", "quality"];

    /// <exception cref="ProblemException">Neither JSON nor multipart, unreadable, or too large.</exception>
    internal static async Task<StagingRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.HasJsonContentType())
            return new StagingRequest(await ReadJsonAsync(request, cancellationToken), null, IsForm: false);
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true)
            return await ReadFormAsync(request, cancellationToken);
        throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json with photoId, or multipart/form-data with the photo."));
    }

    /// <summary>All that the request said, hashed.</summary>
    internal byte[] ComputeFingerprint() => Fingerprint.Of("staging", Fields, Photo ?? []);

    /// <summary>The choices.</summary>
    /// <exception cref="ProblemException"><c>validation_failed</c> with the reason for every faulty field.</exception>
    internal StagingChoices Validate()
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var name in Fields.Keys.Except(Names, StringComparer.Ordinal))
            errors[name] = [$"There is no such field. Known are {string.Join(", ", Names)}{(IsForm ? ", photo" : "")}."];

        var choices = new StagingChoices(
            PhotoId(errors),
            OneOf("room", StagingCatalog.Rooms, errors),
            OneOf("style", StagingCatalog.Styles, errors),
            Quality(errors),
            Flag("declutter", errors),
            Words(errors),
            Variations(errors));
        return errors.Count == 0 ? choices : throw new ProblemException(Problem.Invalid(errors));
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
        var id = Text("photoId", errors);
        if (id is not null && Photo is not null)
            errors["photoId"] = ["Send a photo or a photoId, not both."];
        else if (id is null && Photo is null)
            errors[IsForm ? "photo" : "photoId"] = [IsForm ? "Send the photo as a file, or a photoId." : "Send the id that POST /api/v1/photos answered."];
        else if (id is not null && !Guid.TryParse(id, out _))
            errors["photoId"] = ["Send the id that POST /api/v1/photos answered."];
        return Guid.TryParse(id, out var parsed) ? parsed : null;
    }

    private string OneOf(string name, IReadOnlyList<Choice> choices, Dictionary<string, string[]> errors)
    {
        var id = Text(name, errors);
        if (id is null || choices.All(choice => choice.Id != id))
            errors[name] = [$"Use one of {string.Join(", ", choices.Select(choice => choice.Id))}."];
        return id ?? "";
    }

    private QualityChoice Quality(Dictionary<string, string[]> errors)
    {
        var quality = StagingCatalog.Quality(Text("quality", errors) ?? StagingCatalog.DefaultQuality);
        if (quality is null)
            errors["quality"] = [$"Use one of {string.Join(", ", StagingCatalog.Qualities.Select(choice => choice.Id))}."];
        return quality ?? StagingCatalog.Qualities[0];
    }

    private string? Words(Dictionary<string, string[]> errors)
    {
        var words = Text("prompt", errors)?.Trim();
        if (words?.Length > StagingCatalog.MaxWords)
            errors["prompt"] = [$"Use at most {StagingCatalog.MaxWords:N0} characters; these are {words.Length:N0}."];
        else if (words?.Any(letter => char.IsControl(letter) && letter is not ('\n' or '\r' or '\t')) == true)
            errors["prompt"] = ["Leave out control characters."];
        return string.IsNullOrEmpty(words) ? null : words;
    }

    private int Variations(Dictionary<string, string[]> errors)
    {
        var number = 1;
        var given = Fields.GetValueOrDefault("variations");
        var whole = given.ValueKind switch
        {
            JsonValueKind.Undefined => true,
            JsonValueKind.Number => given.TryGetInt32(out number),
            JsonValueKind.String when IsForm => int.TryParse(given.GetString(), out number),
            _ => false,
        };
        if (!whole || number is < 1 or > StagingCatalog.MaxVariations)
            errors["variations"] = [$"Use a whole number from 1 to {StagingCatalog.MaxVariations}."];
        return number;
    }

    private bool Flag(string name, Dictionary<string, string[]> errors)
    {
        var given = Fields.GetValueOrDefault(name);
        var (valid, flag) = given.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.False => (true, false),
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

/// <summary>A valid request's choices. Without <paramref name="PhotoId"/> the photo came with the request.</summary>
internal sealed record StagingChoices(
    Guid? PhotoId, string Room, string Style, QualityChoice Quality, bool Declutter, string? Words, int Variations)
{
    internal int Credits => Variations * Quality.Credits;
}
