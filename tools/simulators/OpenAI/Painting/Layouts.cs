namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>What stands where in each kind of room. Positions across are shares of what the camera sees at that distance.</summary>
internal static class Layouts
{
    private const double BackRow = 4.9;

    private delegate void Layout(Scene scene, Palette colours, Random random, int side);

    private static readonly Dictionary<string, Layout> Rooms = new(StringComparer.Ordinal)
    {
        ["living_room"] = LivingRoom,
        ["bedroom"] = Bedroom,
        ["kitchen"] = Kitchen,
        ["bathroom"] = Bathroom,
        ["dining_room"] = DiningRoom,
        ["office"] = Office,
        ["home_office"] = Office,
        ["entryway"] = Entryway,
        ["hallway"] = Entryway,
        ["outdoor"] = Outdoor,
        ["patio"] = Outdoor,
    };

    /// <summary>Furnishes a scene; odd variations are mirrored, and every one shifts things about.</summary>
    internal static void Furnish(Scene scene, string room, Palette colours, int variation)
    {
        var random = new Random(1000 + variation);
        var dressed = (variation % 4) switch
        {
            1 => colours with { Accent = colours.Second, Second = colours.Accent },
            2 => colours with { Fabric = colours.Fabric.Shade(0.88), Rug = colours.RugLine, RugLine = colours.Rug },
            3 => colours with { Fabric = colours.Accent, Accent = colours.Fabric },
            _ => colours,
        };
        Rooms.GetValueOrDefault(room, LivingRoom)(scene, dressed, random, variation % 2 == 0 ? 1 : -1);
    }

    private static void LivingRoom(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.02 * side, 4.2) + Shift(random, 0.12);
        var wide = Math.Min(2.25, scene.Across(0.95, BackRow));
        if (random.Next(3) == 0)
            scene.RoundRug(middle, 3.95, Math.Min(1.35, wide * 0.62), colours.Rug, colours.RugLine);
        else
            scene.Rug(middle, 3.95, wide + 0.5, 1.75, colours.Rug, colours.RugLine, random.Next(4));
        scene.Place(Furniture.Sofa(middle, 4.75, wide, 0, colours, 2 + random.Next(3)));
        scene.Place(Furniture.CoffeeTable(middle, 3.75, colours, random.Next(2) == 0, random));
        scene.Place(Furniture.Armchair(middle + (side * ((wide / 2) + 0.42)), 3.75, -side * 1.05, colours));
        scene.Place(Furniture.SideTable(middle - (side * ((wide / 2) + 0.38)), 4.75, colours, lamp: true));
        scene.Place(Furniture.FloorLamp(middle + (side * ((wide / 2) + 0.5)), 5.0, colours));
        scene.Place(Furniture.Plant(scene.Across(-0.86 * side, 4.9), 5.0, 1.15, colours, random));
    }

    private static void Bedroom(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.06 * side, 4.3) + Shift(random, 0.12);
        var wide = Math.Min(1.7, scene.Across(0.8, 4.3));
        scene.Rug(middle, 3.55, wide + 1.1, 1.7, colours.Rug, colours.RugLine, random.Next(3));
        scene.Place(Furniture.Bed(middle, 4.35, wide, colours));
        scene.Place(Furniture.Nightstand(middle - (wide / 2) - 0.42, 5.1, colours));
        scene.Place(Furniture.Nightstand(middle + (wide / 2) + 0.42, 5.1, colours));
        scene.Place(Furniture.Plant(scene.Across(-0.84 * side, 5.0), 5.0, 1.1, colours, random));
        scene.Place(Furniture.Armchair(scene.Across(0.72 * side, 3.9), 3.9, -side * 0.8, colours));
    }

    private static void Kitchen(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.03 * side, 4.2) + Shift(random, 0.15);
        var wide = Math.Min(2.3, scene.Across(1.1, 4.2));
        scene.Place(Furniture.Island(middle, 4.35, wide, colours));
        var stools = wide > 1.9 ? 3 : 2;
        for (var i = 0; i < stools; i++)
            scene.Place(Furniture.Stool(middle + ((i - ((stools - 1) / 2.0)) * wide / (stools + 0.2)), 3.55, colours));
        scene.Rug(middle, 3.15, wide, 0.7, colours.Rug, colours.RugLine, 0);
        scene.Place(Furniture.Plant(scene.Across(0.85 * side, 4.9), 4.9, 1.0, colours, random));
    }

    private static void Bathroom(Scene scene, Palette colours, Random random, int side)
    {
        var tub = scene.Across(0.34 * side, 4.1) + Shift(random, 0.1);
        scene.Place(Furniture.Tub(tub, 4.1, side * 0.12, colours));
        scene.Place(Furniture.Vanity(scene.Across(-0.4 * side, BackRow), BackRow, 0, colours));
        scene.Place(Furniture.TowelLadder(scene.Across(0.05 * side, 5.1), 5.15, colours));
        scene.Rug(tub - (side * 0.1), 3.4, 1.2, 0.7, colours.Rug, colours.RugLine, random.Next(3));
        scene.Place(Furniture.Plant(scene.Across(0.86 * side, 4.9), 4.95, 0.9, colours, random));
    }

    private static void DiningRoom(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.04 * side, 4.1) + Shift(random, 0.12);
        var wide = Math.Min(1.9, scene.Across(0.85, 4.1));
        scene.Rug(middle, 4.05, wide + 1.0, 2.1, colours.Rug, colours.RugLine, random.Next(3));
        foreach (var chair in (ReadOnlySpan<double>)[-0.27, 0.27])
        {
            scene.Place(Furniture.Chair(middle + (wide * chair), 4.72, 0, colours));
            scene.Place(Furniture.Chair(middle + (wide * chair), 3.45, Math.PI, colours));
        }

        scene.Place(Furniture.DiningTable(middle, 4.08, wide, colours, random));
        scene.Place(Furniture.Sideboard(scene.Across(-0.62 * side, 5.3), 5.3, 1.4, 0, colours, random));
        scene.Place(Furniture.Plant(scene.Across(0.84 * side, 5.0), 5.0, 1.1, colours, random));
    }

    private static void Office(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(-0.08 * side, 4.5) + Shift(random, 0.12);
        scene.Rug(middle, 4.05, 2.3, 1.7, colours.Rug, colours.RugLine, random.Next(4));
        scene.Place(Furniture.Desk(middle, 4.75, 1.5, 0, colours));
        scene.Place(Furniture.OfficeChair(middle + (side * 0.12), 4.0, Math.PI + (side * 0.5), colours));
        scene.Place(Furniture.Shelf(scene.Across(0.62 * side, 5.1), 5.1, 0, colours, random));
        scene.Place(Furniture.Plant(scene.Across(-0.82 * side, 5.0), 5.0, 1.15, colours, random));
    }

    private static void Entryway(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.05 * side, BackRow) + Shift(random, 0.1);
        scene.Rug(middle, 3.9, 1.1, 1.9, colours.Rug, colours.RugLine, 1 + random.Next(3));
        scene.Place(Furniture.Console(middle, 5.1, colours, random));
        scene.Place(Furniture.Bench(scene.Across(-0.6 * side, 4.4), 4.4, side * 0.5, colours));
        scene.Place(Furniture.CoatStand(scene.Across(0.58 * side, 5.0), 5.0, colours));
        scene.Place(Furniture.Plant(scene.Across(-0.9 * side, 5.2), 5.2, 1.0, colours, random));
    }

    private static void Outdoor(Scene scene, Palette colours, Random random, int side)
    {
        var middle = scene.Across(0.02 * side, 4.3) + Shift(random, 0.12);
        var wide = Math.Min(2.1, scene.Across(0.95, BackRow));
        scene.Rug(middle, 4.0, wide + 0.6, 1.9, colours.Rug, colours.RugLine, 3 + random.Next(3));
        scene.Place(Furniture.Sofa(middle, 4.85, wide, 0, colours, 2 + random.Next(2)));
        scene.Place(Furniture.FireBowl(middle, 3.85, colours));
        scene.Place(Furniture.Armchair(middle + (side * ((wide / 2) + 0.4)), 3.8, -side * 1.0, colours));
        scene.Place(Furniture.Planter(scene.Across(-0.72 * side, 5.0), 5.0, colours, random));
        scene.Place(Furniture.Plant(scene.Across(0.86 * side, 5.1), 5.1, 1.2, colours, random));
    }

    private static double Shift(Random random, double most) => ((random.NextDouble() * 2) - 1) * most;
}
