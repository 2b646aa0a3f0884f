using System.Text.Json;
using HomeStage.Catalog;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Stagings;

namespace HomeStage.Staging.Listings;

/// <summary>The body of <c>POST /api/v1/listings</c> as it was sent. <see cref="Validate"/> turns it into choices.</summary>
internal sealed record ListingRequest(IReadOnlyDictionary<string, JsonElement> Fields)
{
    private const string Photos = "photos";
    private const string PhotoId = "photoId";
    private const string Room = "room";
    private const string Take = "take";
    private const string Name = "name";
    private static readonly string[] Takes = [ListingTake.All, ListingTake.AsMany];

    /// <exception cref="ProblemException">Not JSON, unreadable, or too large.</exception>
    internal static async Task<ListingRequest> ReadAsync(HttpRequest request, CancellationToken cancellationToken) => request.HasJsonContentType()
        ? new ListingRequest(await JsonFields.ReadAsync(request, cancellationToken))
        : throw new ProblemException(Problem.Result(ProblemCode.UnsupportedMediaType, "Send application/json. Photos go to POST /api/v1/photos first."));

    /// <summary>All that the request said, hashed.</summary>
    internal byte[] ComputeFingerprint() => Fingerprint.Of("listing", Fields, []);

    /// <summary>The choices.</summary>
    /// <exception cref="ProblemException">
    /// <c>listing_empty</c>, <c>listing_too_long</c>, <c>listing_unreadable</c> or <c>photo_repeated</c> for the photos; <c>validation_failed</c>,
    /// <c>prompt_too_long</c> or <c>option_not_supported</c> for the rest.
    /// </exception>
    internal ListingChoices Validate(ImageModel model)
    {
        var entries = Entries();
        var fields = new StagingFields(Fields);
        fields.AllowOnly([Photos, Take, Name, .. StagingFields.Options]);
        var style = fields.Choices();
        var (take, name) = (fields.OneOf(Take, Takes, ListingTake.All), NameIn(fields));
        foreach (var (entry, index) in entries.Select((entry, index) => (entry, index)))
        {
            if (Catalogue.FindRoom(entry.Room) is null)
                fields.Refuse(At(index, Room), $"Use one of {string.Join(", ", Catalogue.Rooms.Select(room => room.Id))}.");
        }

        fields.ThrowIfFaulty();
        style.RequireSupported(model);
        return new ListingChoices(name, take, [.. entries.Select(entry => style with { PhotoId = entry.PhotoId, Room = entry.Room })]);
    }

    /// <summary>How an error names a member of an entry.</summary>
    internal static string At(int index, string member = PhotoId) => $"{Photos}[{index}].{member}";

    private List<(Guid PhotoId, string Room)> Entries()
    {
        var given = Fields.GetValueOrDefault(Photos);
        if (given.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null || (given.ValueKind == JsonValueKind.Array && given.GetArrayLength() == 0))
            throw new ProblemException(Problem.Result(ProblemCode.ListingEmpty, "Send the photos as a list of {photoId, room}. Upload each with POST /api/v1/photos first."));
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (given.ValueKind != JsonValueKind.Array)
        {
            errors[Photos] = ["Send a list of {photoId, room}."];
            throw Refused(ProblemCode.ListingUnreadable, "The photos cannot be read.", errors);
        }

        if (given.GetArrayLength() is > Listing.MaxPhotos and var count)
        {
            throw new ProblemException(Problem.Result(
                ProblemCode.ListingTooLong, $"A listing has at most {Listing.MaxPhotos} photos; these are {count}. Make two of it.", ("max", Listing.MaxPhotos), ("count", count)));
        }

        var entries = given.EnumerateArray().Select((entry, index) => EntryOf(entry, index, errors)).ToList();
        if (errors.Count > 0)
            throw Refused(ProblemCode.ListingUnreadable, "Correct the entries that 'errors' names. Nothing of the listing was taken.", errors);
        var first = new Dictionary<Guid, int>();
        for (var index = 0; index < entries.Count; index++)
        {
            if (!first.TryAdd(entries[index].PhotoId, index))
                errors[At(index)] = [$"This is the photo of {Photos}[{first[entries[index].PhotoId]}] again."];
        }

        return errors.Count == 0
            ? entries
            : throw Refused(ProblemCode.PhotoRepeated, "Name each photo once. For more pictures of one photo ask for variations, or regenerate it.", errors);
    }

    private static (Guid PhotoId, string Room) EntryOf(JsonElement entry, int index, Dictionary<string, string[]> errors)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            errors[$"{Photos}[{index}]"] = ["Send an object {photoId, room}."];
            return default;
        }

        foreach (var member in entry.EnumerateObject().Where(member => member.Name is not (PhotoId or Room)))
            errors[At(index, member.Name)] = [$"There is no such field. Known are {PhotoId}, {Room}."];
        if (!entry.TryGetProperty(PhotoId, out var id) || id.ValueKind != JsonValueKind.String || !Guid.TryParse(id.GetString(), out var photo))
        {
            errors[At(index)] = ["Send the id that POST /api/v1/photos answered."];
            photo = default;
        }

        if (entry.TryGetProperty(Room, out var room) && room.ValueKind == JsonValueKind.String)
            return (photo, room.GetString()!);
        errors[At(index, Room)] = ["Say which room it is."];
        return default;
    }

    private static string? NameIn(StagingFields fields)
    {
        var name = fields.Text(Name)?.Trim();
        if (name?.Length > Listing.MaxName)
            fields.Refuse(Name, $"Use at most {Listing.MaxName} characters; these are {name.Length}.");
        else if (name?.Any(char.IsControl) == true)
            fields.Refuse(Name, "Leave out control characters.");
        return string.IsNullOrEmpty(name) ? null : name;
    }

    private static ProblemException Refused(ProblemCode code, string detail, Dictionary<string, string[]> errors) => new(Problem.Result(code, detail, ("errors", errors)));
}

/// <summary>A valid request's choices.</summary>
/// <param name="Name">What its owner calls it.</param>
/// <param name="Take">One of <see cref="ListingTake"/>.</param>
/// <param name="Photos">For each photo, in order; they differ in photo and room alone.</param>
internal sealed record ListingChoices(string? Name, string Take, IReadOnlyList<StagingChoices> Photos);
