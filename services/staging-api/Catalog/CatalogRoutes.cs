using HomeStage.Catalog;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Imaging.Intake;
using HomeStage.Staging.Listings;

namespace HomeStage.Staging.Catalog;

/// <summary><c>GET /api/v1/catalog</c>, for anybody.</summary>
internal static class CatalogRoutes
{
    internal static void AddCatalog(this ServiceBuilder service)
    {
        var model = ImageModels.Configured(service.Settings);
        service.Services.AddSingleton(model);
        var view = ViewOf(model);
        service.Map(app => app.MapGet("/api/v1/catalog", () => TypedResults.Ok(view)).RequireCaller("gateway")
            .Describe("Stagings", "getCatalog", "What can be chosen, what it costs, and what a photo may be"));
    }

    private static CatalogView ViewOf(ImageModel model) => new(
        [.. Catalogue.Rooms.Select(room => new ChoiceView(room.Id, room.Name, room.Description))],
        [.. Catalogue.Styles.Select(style => new ChoiceView(style.Id, style.Name, style.Description))],
        [.. Catalogue.Qualities.Where(quality => model.Qualities.ContainsKey(quality.Id))
            .Select(quality => new QualityView(quality.Id, quality.Name, quality.Description, quality.Credits, quality.CanBeFree))],
        new OptionsView(
            Catalogue.MaxVariations, Catalogue.DefaultQuality, Declutter: true, Catalogue.MaxWords,
            model.Formats, ImageModel.DefaultFormat, [.. model.Sizes.Select(size => size.ToString())], model.Seed, Listing.MaxPhotos),
        new LimitsView(
            ["image/jpeg", "image/png", "image/webp"],
            PhotoLimits.Default.MaxBytes,
            PhotoLimits.Default.MinSide,
            PhotoLimits.Default.MaxSide,
            PhotoLimits.Default.MaxPixels));

    /// <summary>What can be chosen.</summary>
    /// <param name="Rooms">Kinds of rooms.</param>
    /// <param name="Styles">Styles of furniture.</param>
    /// <param name="Qualities">Qualities with the price of one picture.</param>
    /// <param name="Options">Further options and their defaults.</param>
    /// <param name="Photo">What a photo may be.</param>
    private sealed record CatalogView(
        IReadOnlyList<ChoiceView> Rooms, IReadOnlyList<ChoiceView> Styles, IReadOnlyList<QualityView> Qualities, OptionsView Options, LimitsView Photo);

    /// <summary>One choice.</summary>
    /// <param name="Id">On the wire.</param>
    /// <param name="Name">For people.</param>
    /// <param name="Description">In a sentence, for people.</param>
    private sealed record ChoiceView(string Id, string Name, string Description);

    /// <summary>A quality and its price.</summary>
    /// <param name="Id">On the wire.</param>
    /// <param name="Name">For people.</param>
    /// <param name="Description">In a sentence, for people.</param>
    /// <param name="Credits">For one picture; the other options cost nothing.</param>
    /// <param name="CanBeFree">Whether the free allowance covers it.</param>
    private sealed record QualityView(string Id, string Name, string Description, int Credits, bool CanBeFree);

    /// <summary>Further options.</summary>
    /// <param name="MaxVariations">Pictures that a staging may have at most.</param>
    /// <param name="DefaultQuality">The quality unless asked.</param>
    /// <param name="Declutter">Whether a room can be emptied first.</param>
    /// <param name="MaxPromptCharacters">How long the words of one's own may be.</param>
    /// <param name="Formats">What the pictures' files may be.</param>
    /// <param name="DefaultFormat">What they are unless asked.</param>
    /// <param name="Sizes">What the model may be asked to draw at, width by height in pixels; the nearest in shape to the photo unless asked.</param>
    /// <param name="Seed">Whether there are seeds.</param>
    /// <param name="MaxListingPhotos">Photos that a listing may have at most.</param>
    private sealed record OptionsView(
        int MaxVariations, string DefaultQuality, bool Declutter, int MaxPromptCharacters,
        IReadOnlyList<string> Formats, string DefaultFormat, IReadOnlyList<string> Sizes, bool Seed, int MaxListingPhotos);

    /// <summary>What a photo may be.</summary>
    /// <param name="MediaTypes">Known by content.</param>
    /// <param name="MaxBytes">Bytes.</param>
    /// <param name="MinSide">Pixels that each side has at least.</param>
    /// <param name="MaxSide">Pixels that each side has at most.</param>
    /// <param name="MaxPixels">Pixels in all.</param>
    private sealed record LimitsView(IReadOnlyList<string> MediaTypes, int MaxBytes, int MinSide, int MaxSide, long MaxPixels);
}
