namespace HomeStage.Catalog;

/// <summary>
/// What can be chosen, what it costs, and within what limits: the one source of <c>GET /api/v1/catalog</c>, of what a request may say, and of
/// what the image model is told.
/// </summary>
public static class Catalogue
{
    /// <summary>Pictures that a staging may have at most.</summary>
    public const int MaxVariations = 4;

    /// <summary>Characters that the customer's own words may have at most.</summary>
    public const int MaxWords = 2000;

    /// <summary>The quality unless asked.</summary>
    public const string DefaultQuality = "standard";

    /// <summary>The version of the prompt rules that new jobs are accepted under.</summary>
    public const int PromptVersion = 2;

    /// <summary>Every format that a result may have, the usual first. Which of them can be had depends on the <see cref="ImageModel"/>.</summary>
    public static IReadOnlyList<string> Formats { get; } = ["jpeg", "png", "webp"];

    /// <summary>Every kind of room, in the order in which they are offered.</summary>
    public static IReadOnlyList<Room> Rooms => Room.All;

    /// <summary>Every style, in the order in which they are offered.</summary>
    public static IReadOnlyList<Style> Styles => Style.All;

    /// <summary>Every quality, the cheapest first. Which of them can be had depends on the <see cref="ImageModel"/>.</summary>
    public static IReadOnlyList<Quality> Qualities { get; } =
    [
        new("draft", "Draft", "To find out which style suits the room.", Credits: 1, CanBeFree: true),
        new("standard", "Standard", "For listings on the web.", Credits: 1, CanBeFree: false),
        new("high", "High", "More detail, for print and for full screens.", Credits: 2, CanBeFree: false),
    ];

    /// <summary>The room with this id; null if there is none.</summary>
    public static Room? FindRoom(string? id) => Rooms.FirstOrDefault(room => room.Id == id);

    /// <summary>The style with this id; null if there is none.</summary>
    public static Style? FindStyle(string? id) => Styles.FirstOrDefault(style => style.Id == id);

    /// <summary>The quality with this id; null if there is none.</summary>
    public static Quality? FindQuality(string? id) => Qualities.FirstOrDefault(quality => quality.Id == id);
}

/// <summary>A quality and its price.</summary>
/// <param name="Id">On the wire.</param>
/// <param name="Name">For people.</param>
/// <param name="Description">In a sentence for people, what it is for.</param>
/// <param name="Credits">For one picture.</param>
/// <param name="CanBeFree">Whether the free allowance covers it.</param>
public sealed record Quality(string Id, string Name, string Description, int Credits, bool CanBeFree);
