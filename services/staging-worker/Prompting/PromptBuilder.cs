using HomeStage.Catalog;
using HomeStage.Contracts;
using HomeStage.Worker.Layout;

namespace HomeStage.Worker.Prompting;

/// <summary>How a picture is to go with others of the same home.</summary>
internal enum Alike
{
    /// <summary>It stands alone.</summary>
    No,

    /// <summary>There are others, none of which can be shown.</summary>
    InWords,

    /// <summary>The picture after the photo shows another room as it was furnished.</summary>
    AsShown,
}

/// <summary>
/// Turns a customer's choices into instructions for the image model. Pure: the same choices under the same version give the same text
/// for ever, so a version that jobs were accepted under is never edited; a change is a new version.
/// </summary>
internal static class PromptBuilder
{
    /// <summary>The newest version of the rules that this build knows.</summary>
    internal const int NewestVersion = Catalogue.PromptVersion;

    // From here on a prompt says what was found in the photo.
    private const int FirstWithZones = 2;

    /// <summary>Whether prompts of a version say what was found in the photo.</summary>
    internal static bool SaysZones(int version) => version >= FirstWithZones;

    /// <summary>Builds the prompt.</summary>
    /// <param name="version">The version of the rules that the job was accepted under.</param>
    /// <param name="options">The customer's choices.</param>
    /// <param name="zones">What was found in the photo, in shares of the picture that is sent; a version that does not say it leaves it out.</param>
    /// <param name="alike">How it is to go with others of the same home.</param>
    /// <returns>Null when the version, the room or the style is not known here.</returns>
    internal static string? Build(int version, StagingOptions options, IReadOnlyList<Zone> zones, Alike alike = Alike.No)
    {
        if (version is < 1 or > NewestVersion || Catalogue.FindRoom(options.Room) is not { } room || Catalogue.FindStyle(options.Style) is not { } style)
            return null;

        // The opening names room and style before anything else could be taken for them.
        List<string> parts =
        [
            $"Virtually stage this photograph of {room.InWords} in the {style.InWords} style: add furniture and decoration to the real room, as a professional home stager would for a property listing. The result must look like the same photograph, taken by the same camera a moment after the furniture was carried in.",
            Structure,
            options.Declutter ? Declutter : KeepFittings,
            Section($"What belongs in {room.InWords}", room.Belongs),
            Section("Where nothing may stand", [.. room.KeepFree, .. KeepFreeEverywhere]),
            .. SaysZones(version) && zones.Count > 0 ? (string[])[Section("What was found in this photograph, and stays free", ZoneLines.Of(zones))] : [],
            Section("Sizes in centimetres", [.. room.Sizes, .. SizesEverywhere]),
            Section("Light and shadow", [room.Light, .. LightEverywhere]),
            Section($"The {style.InWords} style", style.Look),
        ];
        if (alike != Alike.No)
            parts.Add(alike == Alike.AsShown ? LikeTheSecond : LikeTheOthers);
        if (CustomerWords.AsData(options.Words) is { } words)
            parts.Add(words);
        parts.Add(Closing);
        return string.Join("\n\n", parts);
    }

    private const string Structure = """
        Keep the structure. These are fixed and stay exactly where and as they are:
        - walls, ceiling, floor, columns, beams, stairs, mouldings and their materials and colours
        - every window and door with its frame, size and position, and the view through it
        - fixtures: radiators, vents, sockets, switches, built-in cupboards, fireplaces, taps, sanitary ware, ceiling lamps
        - the camera: position, height, lens, perspective, crop and horizon
        - the light: its direction, colour and brightness, and the time of day
        - mirrored margins at two edges of the picture, if there are any: they are padding that is cut off later, so nothing is placed in them
        Do not add, remove, move, widen or close an opening. Do not extend, repaint or renovate the room. Do not change its proportions.
        """;

    private const string Declutter = """
        First clear the room: remove all loose furniture, rugs, boxes, personal things, rubbish and clutter, and continue the floor and walls behind them as they visibly are. Then furnish the cleared room. What is fixed to the building stays.
        """;

    private const string KeepFittings = """
        If furniture already stands in the room, leave it where it is and add only what is missing around it.
        """;

    private const string Closing = """
        Show no people, animals, text, logos, watermarks, brands or screens with pictures. The picture is a realistic photograph, sharp from front to back, not an illustration. If a wish and the structure of the room disagree, the structure wins.
        """;

    private const string LikeTheOthers = """
        This is one of several rooms of the same home, and all are furnished by the same hand. Stay with the most typical palette of the style: one neutral ground colour with two accents, one kind of wood, one metal, and plain natural textiles, so that every room goes with every other.
        """;

    private const string LikeTheSecond = """
        Two pictures are given. The first is the photograph to stage. The second shows another room of the same home, already furnished; it is there for its look alone. Keep the same as in the second: the palette, the kind of wood and metal, the textiles, and the character of furniture and decoration, so that both rooms are furnished by the same hand. Take nothing else from it: no wall, floor, window, door, view, camera position or light, and not its layout. Choose what belongs in the room of the first picture. Pieces need not be repeated.
        """;

    private static readonly string[] KeepFreeEverywhere =
    [
        "in front of a door, or in the arc through which it opens",
        "in front of a window so that it cannot be opened, or higher than its sill",
        "against a radiator, a vent or a fireplace opening",
        "on stairs, or in a walkway: leave at least 80 cm from door to door",
    ];

    private static readonly string[] SizesEverywhere =
    [
        "take a standard door as 200 to 210 cm high and scale everything by it",
        "every piece stands flat on the floor in the floor's perspective; nothing floats, sinks in, or cuts into a wall",
        "fill about half of the free floor at most: the room must look larger, not full",
    ];

    private static readonly string[] LightEverywhere =
    [
        "every added piece takes its light from the windows and lamps that are in the photograph",
        "soft contact shadows where pieces meet the floor and walls, falling the way the existing shadows fall",
        "reflections in glossy floors, mirrors and window panes agree with what was added",
    ];

    private static string Section(string title, IReadOnlyList<string> lines) => $"{title}:\n- {string.Join("\n- ", lines)}";
}
