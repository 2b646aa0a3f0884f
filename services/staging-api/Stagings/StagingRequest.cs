using System.Security.Cryptography;
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
internal sealed record StagingRequest(IReadOnlyDictionary<string, JsonElement> Fields, PhotoBody? Photo, bool IsForm)
{
    private const string PhotoIdName = "photoId";
    private const string RoomName = "room";

    /// <summary>The staging whose photo is used again, and whose choices hold where the request says nothing else.</summary>
    internal Job? Earlier { get; init; }

    /// <exception cref="ProblemException">Neither JSON nor multipart, unreadable, or too large.</exception>
    internal static async Task<StagingRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.HasJsonContentType())
            return new StagingRequest(await JsonFields.ReadAsync(request, cancellationToken), null, IsForm: false);
        if (request.ContentType?.StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase) == true)
            return await ReadFormAsync(request, cancellationToken);
        throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json with photoId, or multipart/form-data with the photo."));
    }

    /// <exception cref="ProblemException">Not JSON, unreadable, or too large.</exception>
    internal static async Task<StagingRequest> ReadChangeAsync(HttpRequest request, Job earlier, CancellationToken cancellationToken) => request.HasJsonContentType()
        ? new StagingRequest(await JsonFields.ReadAsync(request, cancellationToken), null, IsForm: false) { Earlier = earlier }
        : throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json with what is to be other than before."));

    /// <summary>All that the request said, hashed.</summary>
    internal byte[] ComputeFingerprint() =>
        Fingerprint.OfHash(Earlier is null ? "staging" : $"regenerate {Earlier.Id}", Fields, Photo?.Sha256 ?? SHA256.HashData([]));

    /// <summary>The choices.</summary>
    /// <exception cref="ProblemException">
    /// <c>validation_failed</c> with the reason for every faulty field, or <c>prompt_too_long</c> where that is all; <c>option_not_supported</c>
    /// for what the model in use does not have.
    /// </exception>
    internal StagingChoices Validate(ImageModel model)
    {
        var fields = new StagingFields(Fields, IsForm);
        fields.AllowOnly([.. Earlier is null ? (string[])[PhotoIdName] : [], RoomName, .. StagingFields.Options], IsForm ? ", photo" : "");
        var choices = fields.Choices(Earlier) with { PhotoId = Earlier is null ? PhotoId(fields) : null, Room = fields.Room(RoomName, Earlier?.Room) };
        fields.ThrowIfFaulty();
        choices.RequireSupported(model);
        return choices;
    }

    private static async Task<StagingRequest> ReadFormAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > PhotoRoutes.MaxRequestBytes)
            throw PhotoBody.TooLarge();
        IFormCollection form;
        try
        {
            // Photos over 64 kB wait in a temporary file, not in memory.
            form = await request.ReadFormAsync(new FormOptions { MultipartBodyLengthLimit = PhotoRoutes.MaxRequestBytes, ValueCountLimit = 20, ValueLengthLimit = JsonFields.MaxBytes }, cancellationToken);
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
        return new StagingRequest(fields, await PhotoBody.OfAsync(file.OpenReadStream(), cancellationToken), IsForm: true);
    }

    private Guid? PhotoId(StagingFields fields)
    {
        var id = fields.Text(PhotoIdName);
        if (id is not null && Photo is not null)
            fields.Refuse(PhotoIdName, "Send a photo or a photoId, not both.");
        else if (id is null && Photo is null)
            fields.Refuse(IsForm ? "photo" : PhotoIdName, IsForm ? "Send the photo as a file, or a photoId." : "Send the id that POST /api/v1/photos answered.");
        else if (id is not null && !Guid.TryParse(id, out _))
            fields.Refuse(PhotoIdName, "Send the id that POST /api/v1/photos answered.");
        return Guid.TryParse(id, out var parsed) ? parsed : null;
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
