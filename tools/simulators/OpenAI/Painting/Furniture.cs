namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>Furniture in ordinary sizes. The front of a piece looks at the camera unless it is turned.</summary>
internal static class Furniture
{
    private static readonly Colour Leaf = 0x4f7f4a;
    private static readonly Colour Linen = 0xf1ede5;
    private static readonly Colour Glow = 0xf6e7c4;
    private static readonly Colour Screen = 0x23262a;
    private static readonly Colour Mirror = 0xcfd8dc;

    internal static Piece Sofa(double x, double z, double across, double turn, Palette colours, int pillows)
    {
        const double deep = 0.92;
        const double arm = 0.19;
        var seats = across > 1.9 ? 3 : across > 1.2 ? 2 : 1;
        var seat = (across - (2 * arm)) / seats;
        var sofa = new Piece(x, z, turn)
            .Legs(across - 0.1, deep - 0.1, 0.11, colours.Wood)
            .Block(0, 0, across, deep, 0.11, 0.27, colours.Fabric.Shade(0.92), 0.03)
            .Block(-(across - arm) / 2, 0, arm, deep, 0.27, 0.60, colours.Fabric, 0.05)
            .Block((across - arm) / 2, 0, arm, deep, 0.27, 0.60, colours.Fabric, 0.05)
            .Block(0, (deep / 2) - 0.1, across - (2 * arm), 0.2, 0.27, 0.80, colours.Fabric.Shade(0.95), 0.05);
        for (var i = 0; i < seats; i++)
        {
            var middle = -(across / 2) + arm + ((i + 0.5) * seat);
            sofa.Block(middle, -0.1, seat - 0.02, deep - 0.24, 0.27, 0.44, colours.Fabric.Shade(1.06), 0.045);
            sofa.Block(middle, (deep / 2) - 0.27, seat - 0.03, 0.14, 0.44, 0.84, colours.Fabric.Shade(1.03), 0.06);
        }

        for (var i = 0; i < pillows; i++)
        {
            var side = i % 2 == 0 ? -1 : 1;
            var inward = 0.21 + (0.36 * (i / 2));
            sofa.Block(side * ((across / 2) - arm - inward), -0.03 - (0.1 * (i / 2)), 0.38, 0.11, 0.445, 0.79 - (0.05 * (i / 2)), i % 3 == 1 ? colours.Second : colours.Accent, 0.07);
        }

        return sofa;
    }

    internal static Piece Armchair(double x, double z, double turn, Palette colours) =>
        new Piece(x, z, turn)
            .Legs(0.66, 0.66, 0.2, colours.Wood, 0.04)
            .Block(0, 0, 0.76, 0.76, 0.2, 0.32, colours.Accent.Shade(0.9), 0.03)
            .Block(0, -0.06, 0.52, 0.62, 0.32, 0.45, colours.Accent.Shade(1.08), 0.05)
            .Block(-0.32, -0.04, 0.11, 0.66, 0.32, 0.60, colours.Accent, 0.04)
            .Block(0.32, -0.04, 0.11, 0.66, 0.32, 0.60, colours.Accent, 0.04)
            .Block(0, 0.32, 0.74, 0.13, 0.32, 0.86, colours.Accent.Shade(0.97), 0.05);

    internal static Piece CoffeeTable(double x, double z, Palette colours, bool round, Random random)
    {
        var table = new Piece(x, z);
        if (round)
            table.Drum(0, 0, 0.3, 0.3, 0, 0.04, colours.Wood.Shade(0.8)).Drum(0, 0, 0.08, 0.08, 0.04, 0.36, colours.Wood.Shade(0.85)).Drum(0, 0, 0.46, 0.46, 0.36, 0.40, colours.Wood);
        else
            table.Legs(1.1, 0.58, 0.36, colours.Metal).Block(0, 0, 1.02, 0.5, 0.12, 0.15, colours.Wood.Shade(0.85)).Block(0, 0, 1.16, 0.62, 0.36, 0.41, colours.Wood);
        return table
            .Block(-0.16, 0.02, 0.28, 0.2, 0.41, 0.435, colours.Accent, 0.004)
            .Block(-0.16, 0.02, 0.22, 0.16, 0.435, 0.46, Linen, 0.004)
            .Drum(0.2, 0.02, 0.05, 0.07, 0.41, 0.55, colours.Stone)
            .Leaves(0.2, 0.02, 0.54, 0.28, Leaf, random);
    }

    internal static Piece FloorLamp(double x, double z, Palette colours) =>
        new Piece(x, z)
            .Drum(0, 0, 0.15, 0.15, 0, 0.025, colours.Metal)
            .Drum(0, 0, 0.014, 0.014, 0.025, 1.36, colours.Metal)
            .Drum(0, 0, 0.23, 0.16, 1.36, 1.68, Glow);

    internal static Piece Plant(double x, double z, double size, Palette colours, Random random) =>
        new Piece(x, z)
            .Drum(0, 0, 0.13 * size, 0.18 * size, 0, 0.34 * size, colours.Stone)
            .Leaves(0, 0, 0.33 * size, 0.98 * size, Leaf, random);

    internal static Piece SideTable(double x, double z, Palette colours, bool lamp)
    {
        var table = new Piece(x, z).Drum(0, 0, 0.17, 0.17, 0, 0.02, colours.Metal).Drum(0, 0, 0.025, 0.025, 0.02, 0.5, colours.Metal).Drum(0, 0, 0.25, 0.25, 0.5, 0.54, colours.Wood);
        return lamp ? Lamp(table, 0, 0, 0.54, colours) : table;
    }

    internal static Piece Sideboard(double x, double z, double across, double turn, Palette colours, Random random)
    {
        var board = new Piece(x, z, turn).Legs(across - 0.15, 0.34, 0.16, colours.Metal).Block(0, 0, across, 0.42, 0.16, 0.74, colours.Wood);
        Fronts(board, across, 0.42, 0.19, 0.71, 3, colours);
        board.Drum(-across * 0.3, 0, 0.09, 0.06, 0.74, 1.0, colours.Stone).Leaves(-across * 0.3, 0, 0.98, 0.42, Leaf, random);
        return board
            .Block(across * 0.22, 0.02, 0.34, 0.24, 0.74, 0.78, colours.Accent, 0.004)
            .Block(across * 0.22, 0.02, 0.28, 0.2, 0.78, 0.81, Linen, 0.004)
            .Drum(across * 0.4, 0, 0.06, 0.04, 0.74, 0.98, colours.Second);
    }

    internal static Piece Bed(double x, double z, double across, Palette colours)
    {
        const double deep = 2.05;
        var bed = new Piece(x, z)
            .Block(0, (deep / 2) + 0.05, across + 0.12, 0.1, 0, 1.18, colours.Accent, 0.04)
            .Block(0, 0, across, deep, 0.08, 0.30, colours.Wood)
            .Block(0, 0, across - 0.04, deep - 0.06, 0.30, 0.50, Linen.Shade(0.97), 0.04)
            .Block(0, -0.28, across + 0.03, deep - 0.54, 0.36, 0.56, colours.Fabric.Shade(1.08), 0.05)
            .Block(0, -0.62, across + 0.05, 0.5, 0.34, 0.59, colours.Second, 0.03);
        foreach (var side in (ReadOnlySpan<int>)[-1, 1])
        {
            bed.Block(side * across * 0.24, (deep / 2) - 0.2, across * 0.42, 0.16, 0.56, 0.93, Linen, 0.07);
            bed.Block(side * across * 0.22, (deep / 2) - 0.40, across * 0.32, 0.13, 0.56, 0.83, colours.Accent.Shade(1.1), 0.06);
        }

        return bed;
    }

    internal static Piece Nightstand(double x, double z, Palette colours)
    {
        var stand = new Piece(x, z).Legs(0.42, 0.34, 0.14, colours.Metal, 0.03).Block(0, 0, 0.48, 0.4, 0.14, 0.54, colours.Wood);
        Fronts(stand, 0.48, 0.4, 0.16, 0.52, 1, colours);
        return Lamp(stand, 0, 0, 0.54, colours);
    }

    internal static Piece DiningTable(double x, double z, double across, Palette colours, Random random) =>
        new Piece(x, z)
            .Legs(across - 0.16, 0.8, 0.70, colours.Wood.Shade(0.9), 0.08)
            .Block(0, 0, across, 0.95, 0.70, 0.75, colours.Wood)
            .Block(0, 0, across * 0.8, 0.3, 0.75, 0.755, colours.RugLine, 0)
            .Drum(0, 0, 0.08, 0.06, 0.755, 0.98, colours.Stone)
            .Leaves(0, 0, 0.96, 0.46, Leaf, random)
            .Drum(-across * 0.22, 0, 0.13, 0.16, 0.755, 0.82, colours.Second)
            .Drum(across * 0.24, 0, 0.03, 0.03, 0.755, 0.97, Linen);

    internal static Piece Chair(double x, double z, double turn, Palette colours) =>
        new Piece(x, z, turn)
            .Legs(0.42, 0.42, 0.43, colours.Wood, 0.035)
            .Block(0, 0, 0.46, 0.46, 0.43, 0.49, colours.Fabric, 0.03)
            .Block(0, 0.21, 0.44, 0.04, 0.58, 0.92, colours.Fabric.Shade(0.94), 0.03)
            .Block(-0.19, 0.21, 0.035, 0.035, 0.49, 0.58, colours.Wood, 0.004)
            .Block(0.19, 0.21, 0.035, 0.035, 0.49, 0.58, colours.Wood, 0.004);

    internal static Piece Desk(double x, double z, double across, double turn, Palette colours)
    {
        var desk = new Piece(x, z, turn)
            .Block(-(across / 2) + 0.2, 0, 0.36, 0.6, 0.02, 0.70, colours.Wood.Shade(0.95))
            .Block((across / 2) - 0.05, -0.26, 0.05, 0.05, 0, 0.70, colours.Metal, 0.004)
            .Block((across / 2) - 0.05, 0.26, 0.05, 0.05, 0, 0.70, colours.Metal, 0.004)
            .Block(0, 0, across, 0.7, 0.70, 0.75, colours.Wood)
            .Block(0.05, 0.16, 0.24, 0.16, 0.75, 0.765, colours.Metal, 0.004)
            .Block(0.05, 0.18, 0.05, 0.03, 0.765, 0.87, colours.Metal, 0.004)
            .Block(0.05, 0.16, 0.66, 0.03, 0.87, 1.25, Screen, 0.01)
            .Block(0.05, -0.16, 0.42, 0.13, 0.75, 0.765, Linen, 0.006)
            .Block((across / 2) - 0.22, 0.02, 0.22, 0.3, 0.75, 0.80, colours.Accent, 0.004);
        return Lamp(desk, -(across / 2) + 0.2, 0.12, 0.75, colours);
    }

    internal static Piece OfficeChair(double x, double z, double turn, Palette colours) =>
        new Piece(x, z, turn)
            .Drum(0, 0, 0.29, 0.1, 0.02, 0.08, colours.Metal)
            .Drum(0, 0, 0.03, 0.03, 0.08, 0.42, colours.Metal)
            .Block(0, 0, 0.5, 0.48, 0.42, 0.51, colours.Accent, 0.05)
            .Block(0, 0.23, 0.06, 0.04, 0.51, 0.62, colours.Metal, 0.004)
            .Block(0, 0.23, 0.46, 0.08, 0.62, 1.06, colours.Accent.Shade(0.95), 0.05);

    internal static Piece Shelf(double x, double z, double turn, Palette colours, Random random)
    {
        const double across = 0.86;
        var shelf = new Piece(x, z, turn)
            .Block(-across / 2, 0, 0.035, 0.32, 0, 1.92, colours.Wood, 0.004)
            .Block(across / 2, 0, 0.035, 0.32, 0, 1.92, colours.Wood, 0.004);
        Colour[] covers = [colours.Accent, colours.Second, Linen, colours.Stone, colours.Fabric];
        for (var level = 0; level < 5; level++)
        {
            var height = 0.06 + (level * 0.45);
            shelf.Block(0, 0, across - 0.04, 0.32, height, height + 0.035, colours.Wood.Shade(0.96), 0.004);
            if (level == 4)
                break;
            var at = -0.36 + (0.1 * random.NextDouble());
            for (var book = 0; book < 7 + random.Next(4); book++)
            {
                var thick = 0.025 + (0.022 * random.NextDouble());
                shelf.Block(at + (thick / 2), 0, thick, 0.2, height + 0.035, height + 0.25 + (0.09 * random.NextDouble()), covers[random.Next(covers.Length)], 0.002);
                at += thick + 0.004;
            }

            shelf.Drum(0.28, 0, 0.06, 0.05, height + 0.035, height + 0.2, level % 2 == 0 ? colours.Stone : colours.Second);
        }

        return shelf;
    }

    internal static Piece Island(double x, double z, double across, Palette colours)
    {
        var island = new Piece(x, z).Block(0, 0, across - 0.1, 0.72, 0, 0.88, colours.Fabric.Shade(0.9)).Block(0, -0.06, across, 0.95, 0.88, 0.94, colours.Stone);
        Fronts(island, across - 0.1, 0.72, 0.08, 0.86, 4, colours);
        for (var i = 0; i < 5; i++)
            island.Drum((across * 0.2) + (0.06 * (i - 2)), 0.05 - (0.03 * (i % 2)), 0.05, 0.045, 0.975, 1.05, i % 2 == 0 ? 0xd9822b : 0x9db04a);
        return island.Drum(across * 0.2, 0, 0.1, 0.2, 0.94, 0.975, colours.Wood);
    }

    internal static Piece Stool(double x, double z, Palette colours) =>
        new Piece(x, z)
            .Legs(0.36, 0.36, 0.64, colours.Metal, 0.028)
            .Block(0, -0.17, 0.34, 0.02, 0.2, 0.22, colours.Metal, 0.002)
            .Drum(0, 0, 0.2, 0.2, 0.64, 0.70, colours.Wood);

    internal static Piece Tub(double x, double z, double turn, Palette colours) =>
        new Piece(x, z, turn)
            .Block(0, 0, 1.5, 0.62, 0.03, 0.2, Linen.Shade(0.94), 0.12)
            .Block(0, 0, 1.62, 0.74, 0.2, 0.54, Linen, 0.12)
            .Block(0, 0, 1.46, 0.5, 0.54, 0.555, 0xb9cdd4, 0.14)
            .Drum(0.6, 0.42, 0.02, 0.02, 0, 0.98, colours.Metal)
            .Block(0.52, 0.42, 0.2, 0.035, 0.98, 1.01, colours.Metal, 0.01)
            .Block(-0.45, 0, 0.3, 0.76, 0.55, 0.58, colours.Wood, 0.004);

    internal static Piece Vanity(double x, double z, double turn, Palette colours)
    {
        var vanity = new Piece(x, z, turn).Legs(1.1, 0.4, 0.18, colours.Metal).Block(0, 0, 1.2, 0.5, 0.18, 0.80, colours.Wood).Block(0, 0, 1.24, 0.54, 0.80, 0.84, colours.Stone);
        Fronts(vanity, 1.2, 0.5, 0.21, 0.78, 2, colours);
        return vanity
            .Drum(0, 0, 0.16, 0.22, 0.84, 0.95, Linen)
            .Drum(0.45, 0.05, 0.04, 0.04, 0.84, 0.99, colours.Accent)
            .Block(-0.44, 0.05, 0.26, 0.2, 0.84, 0.92, colours.Second, 0.03)
            .Block(0, 0.26, 0.86, 0.02, 0.98, 1.86, colours.Metal, 0.03)
            .Block(0, 0.235, 0.78, 0.02, 1.02, 1.82, Mirror, 0.01);
    }

    internal static Piece TowelLadder(double x, double z, Palette colours)
    {
        var ladder = new Piece(x, z).Block(-0.24, 0, 0.04, 0.04, 0, 1.7, colours.Wood, 0.004).Block(0.24, 0, 0.04, 0.04, 0, 1.7, colours.Wood, 0.004);
        for (var rung = 0; rung < 4; rung++)
            ladder.Block(0, 0, 0.42, 0.03, 0.35 + (rung * 0.4), 0.38 + (rung * 0.4), colours.Wood, 0.004);
        return ladder.Block(0, -0.04, 0.36, 0.04, 0.62, 1.2, colours.Accent, 0.02).Block(0, -0.03, 0.34, 0.03, 1.28, 1.6, Linen, 0.02);
    }

    internal static Piece Console(double x, double z, Palette colours, Random random) =>
        new Piece(x, z)
            .Legs(1.2, 0.32, 0.78, colours.Metal)
            .Block(0, 0, 1.14, 0.3, 0.16, 0.19, colours.Wood.Shade(0.9))
            .Block(-0.28, 0, 0.4, 0.26, 0.19, 0.42, colours.Second.Shade(0.95), 0.03)
            .Block(0.3, 0, 0.4, 0.26, 0.19, 0.42, colours.Second, 0.03)
            .Block(0, 0, 1.3, 0.38, 0.78, 0.83, colours.Wood)
            .Block(0, 0.15, 0.72, 0.02, 0.83, 1.75, colours.Metal, 0.02)
            .Block(0, 0.13, 0.66, 0.02, 0.87, 1.71, Mirror, 0.004)
            .Drum(-0.44, 0, 0.07, 0.05, 0.83, 1.06, colours.Stone)
            .Leaves(-0.44, 0, 1.04, 0.4, Leaf, random)
            .Drum(0.42, 0, 0.12, 0.15, 0.83, 0.89, colours.Accent);

    internal static Piece Bench(double x, double z, double turn, Palette colours) =>
        new Piece(x, z, turn)
            .Legs(1.0, 0.34, 0.4, colours.Wood)
            .Block(0, 0, 1.1, 0.42, 0.4, 0.5, colours.Fabric, 0.04)
            .Block(-0.3, 0.02, 0.36, 0.12, 0.5, 0.8, colours.Accent, 0.06)
            .Block(0.34, 0, 0.3, 0.26, 0.02, 0.2, colours.Second, 0.03);

    internal static Piece CoatStand(double x, double z, Palette colours) =>
        new Piece(x, z)
            .Drum(0, 0, 0.2, 0.2, 0, 0.03, colours.Wood)
            .Drum(0, 0, 0.02, 0.02, 0.03, 1.75, colours.Wood)
            .Block(-0.12, -0.05, 0.2, 0.1, 0.75, 1.55, colours.Accent, 0.05)
            .Block(0.13, -0.03, 0.18, 0.1, 0.95, 1.52, colours.Second, 0.05)
            .Drum(0, 0, 0.03, 0.06, 1.75, 1.80, colours.Wood);

    internal static Piece FireBowl(double x, double z, Palette colours) =>
        new Piece(x, z)
            .Drum(0, 0, 0.2, 0.42, 0, 0.32, colours.Stone.Shade(0.8))
            .Drum(0, 0, 0.34, 0.34, 0.32, 0.325, 0x3a2a20)
            .Leaves(0, 0, 0.32, 0.34, 0xf29a3a, new Random(5));

    internal static Piece Planter(double x, double z, Palette colours, Random random)
    {
        var planter = new Piece(x, z).Block(0, 0, 0.9, 0.36, 0, 0.42, colours.Wood);
        for (var i = 0; i < 3; i++)
            planter.Leaves((i - 1) * 0.3, 0, 0.41, 0.6, Leaf.Shade(0.9 + (0.1 * i)), random);
        return planter;
    }

    private static Piece Lamp(Piece on, double px, double pz, double from, Palette colours) => on
        .Drum(px, pz, 0.07, 0.045, from, from + 0.16, colours.Second)
        .Drum(px, pz, 0.012, 0.012, from + 0.16, from + 0.24, colours.Metal)
        .Drum(px, pz, 0.15, 0.11, from + 0.24, from + 0.44, Glow);

    // Doors: thin plates before the body, a gap between them, a knob on each.
    private static void Fronts(Piece piece, double across, double deep, double from, double to, int count, Palette colours)
    {
        var wide = across / count;
        for (var i = 0; i < count; i++)
        {
            var middle = -(across / 2) + ((i + 0.5) * wide);
            piece.Block(middle, -(deep / 2) - 0.008, wide - 0.02, 0.014, from, to, colours.Wood.Shade(1.07), 0.002);
            piece.Block(middle, -(deep / 2) - 0.025, 0.1, 0.015, to - 0.09, to - 0.075, colours.Metal, 0.002);
        }
    }
}
