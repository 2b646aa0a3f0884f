using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Imaging.Intake;

namespace HomeStage.Staging.Catalog;

/// <summary><c>GET /api/v1/catalog</c>, for anybody.</summary>
internal static class CatalogRoutes
{
    private static readonly CatalogView View = new(
        StagingCatalog.Rooms,
        StagingCatalog.Styles,
        StagingCatalog.Qualities,
        new OptionsView(StagingCatalog.MaxVariations, StagingCatalog.DefaultQuality, Declutter: true, StagingCatalog.MaxWords),
        new LimitsView(
            ["image/jpeg", "image/png", "image/webp"],
            PhotoLimits.Default.MaxBytes,
            PhotoLimits.Default.MinSide,
            PhotoLimits.Default.MaxSide,
            PhotoLimits.Default.MaxPixels));

    internal static void AddCatalog(this ServiceBuilder service) => service.Map(app =>
        app.MapGet("/api/v1/catalog", () => TypedResults.Ok(View)).RequireCaller("gateway")
            .Describe("Stagings", "getCatalog", "What can be chosen, what it costs, and what a photo may be"));

    /// <summary>What can be chosen.</summary>
    /// <param name="Rooms">Kinds of rooms.</param>
    /// <param name="Styles">Styles of furniture.</param>
    /// <param name="Qualities">Qualities with the price of one picture.</param>
    /// <param name="Options">Further options and their defaults.</param>
    /// <param name="Photo">What a photo may be.</param>
    private sealed record CatalogView(
        IReadOnlyList<Choice> Rooms, IReadOnlyList<Choice> Styles, IReadOnlyList<QualityChoice> Qualities, OptionsView Options, LimitsView Photo);

    /// <summary>Further options.</summary>
    /// <param name="MaxVariations">Pictures that a staging may have at most.</param>
    /// <param name="DefaultQuality">The quality unless asked.</param>
    /// <param name="Declutter">Whether a room can be emptied first.</param>
    /// <param name="MaxPromptCharacters">How long the words of one's own may be.</param>
    private sealed record OptionsView(int MaxVariations, string DefaultQuality, bool Declutter, int MaxPromptCharacters);

    /// <summary>What a photo may be.</summary>
    /// <param name="MediaTypes">Known by content.</param>
    /// <param name="MaxBytes">Bytes.</param>
    /// <param name="MinSide">Pixels that each side has at least.</param>
    /// <param name="MaxSide">Pixels that each side has at most.</param>
    /// <param name="MaxPixels">Pixels in all.</param>
    private sealed record LimitsView(IReadOnlyList<string> MediaTypes, int MaxBytes, int MinSide, int MaxSide, long MaxPixels);
}
