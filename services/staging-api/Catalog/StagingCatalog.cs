namespace HomeStage.Staging.Catalog;

/// <summary>What can be chosen, what it costs, and within what limits. The one source of it in this service.</summary>
internal static class StagingCatalog
{
    internal const int MaxVariations = 4;
    internal const int MaxWords = 2000;
    internal const string DefaultQuality = "standard";

    /// <summary>The version of the prompt rules that new jobs are accepted under.</summary>
    internal const int PromptVersion = 1;

    internal static readonly IReadOnlyList<Choice> Rooms =
    [
        new("living_room", "Living room"),
        new("bedroom", "Bedroom"),
        new("kitchen", "Kitchen"),
        new("bathroom", "Bathroom"),
        new("dining_room", "Dining room"),
        new("office", "Home office"),
        new("entryway", "Entryway"),
        new("outdoor", "Outdoor space"),
    ];

    internal static readonly IReadOnlyList<Choice> Styles =
    [
        new("modern", "Modern"),
        new("contemporary", "Contemporary"),
        new("traditional", "Traditional"),
        new("scandinavian", "Scandinavian"),
        new("industrial", "Industrial"),
        new("mid_century", "Mid-century"),
        new("farmhouse", "Farmhouse"),
        new("coastal", "Coastal"),
        new("minimalist", "Minimalist"),
        new("luxury", "Luxury"),
        new("bohemian", "Bohemian"),
        new("japandi", "Japandi"),
    ];

    internal static readonly IReadOnlyList<QualityChoice> Qualities =
    [
        new("draft", "Draft", Credits: 1, CanBeFree: true),
        new("standard", "Standard", Credits: 1, CanBeFree: false),
        new("high", "High", Credits: 2, CanBeFree: false),
    ];

    internal static QualityChoice? Quality(string id) => Qualities.FirstOrDefault(quality => quality.Id == id);
}

/// <summary>One choice.</summary>
/// <param name="Id">On the wire.</param>
/// <param name="Name">For people.</param>
internal sealed record Choice(string Id, string Name);

/// <summary>A quality and its price.</summary>
/// <param name="Id">On the wire.</param>
/// <param name="Name">For people.</param>
/// <param name="Credits">For one picture.</param>
/// <param name="CanBeFree">Whether the free allowance covers it.</param>
internal sealed record QualityChoice(string Id, string Name, int Credits, bool CanBeFree);
