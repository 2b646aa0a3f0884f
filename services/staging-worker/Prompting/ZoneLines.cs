using System.Globalization;
using HomeStage.Worker.Layout;

namespace HomeStage.Worker.Prompting;

/// <summary>What was found in one photo, as lines of a prompt: where it is, and what that means for furniture. Pure.</summary>
internal static class ZoneLines
{
    // A model told of everything heeds nothing.
    private const int Most = 16;

    // Nearer to an edge than this is at the edge.
    private const double Edge = 0.05;

    /// <summary>A line for each zone, the most important first.</summary>
    /// <param name="zones">In shares of the picture that is sent.</param>
    internal static IReadOnlyList<string> Of(IReadOnlyList<Zone> zones) =>
        [.. zones.OrderBy(zone => zone.Kind).ThenByDescending(zone => zone.Width * zone.Height).Take(Most).OrderBy(zone => zone.Kind).ThenBy(zone => zone.X).ThenBy(zone => zone.Y).Select(Line)];

    private static string Line(Zone zone) =>
        $"{Name(zone.Kind)} {Place(zone)}, {Percent(zone.X)} to {Percent(zone.X + zone.Width)}% from the left and {Percent(zone.Y)} to {Percent(zone.Y + zone.Height)}% from the top: {Rule(zone.Kind)}";

    private static string Place(Zone zone) => (zone.X <= Edge, zone.X + zone.Width >= 1 - Edge, zone.X + (zone.Width / 2)) switch
    {
        (true, true, _) => "across the whole width",
        (true, _, _) => "at the left edge",
        (_, true, _) => "at the right edge",
        (_, _, < 0.4) => "left of the centre",
        (_, _, > 0.6) => "right of the centre",
        _ => "in the centre",
    };

    private static string Name(ZoneKind kind) => kind switch
    {
        ZoneKind.Door => "a door or passage",
        ZoneKind.Window => "a window",
        ZoneKind.Radiator => "a radiator or vent",
        ZoneKind.Fireplace => "a fireplace",
        ZoneKind.Stairs => "stairs",
        ZoneKind.Fixture => "a fixture",
        ZoneKind.Walkway => "a walkway",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A kind of zone."),
    };

    private static string Rule(ZoneKind kind) => kind switch
    {
        ZoneKind.Door => "it stays whole and in sight, with the floor before it and its arc free",
        ZoneKind.Window => "it stays as it is; what stands before it is lower than its sill",
        ZoneKind.Radiator => "nothing stands against it or hangs over it",
        ZoneKind.Fireplace => "its opening and hearth stay free",
        ZoneKind.Stairs => "nothing stands on them or at their foot",
        ZoneKind.Fixture => "it stays as it is, in sight and within reach",
        ZoneKind.Walkway => "the floor there stays free",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "A kind of zone."),
    };

    private static string Percent(double share) => Math.Round(share * 100).ToString(CultureInfo.InvariantCulture);
}
