namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>An opaque colour, 0..255 a channel.</summary>
internal sealed record Colour(double Red, double Green, double Blue)
{
    public static implicit operator Colour(int rgb) => new((rgb >> 16) & 255, (rgb >> 8) & 255, rgb & 255);

    internal Colour Shade(double factor) => new(Red * factor, Green * factor, Blue * factor);

    public override string ToString() => $"#{Channel(Red):x2}{Channel(Green):x2}{Channel(Blue):x2}";

    private static int Channel(double value) => (int)Math.Clamp(value, 0, 255);
}

/// <summary>The colours of a style.</summary>
internal sealed record Palette(Colour Wood, Colour Fabric, Colour Accent, Colour Second, Colour Metal, Colour Rug, Colour RugLine, Colour Stone)
{
    private const double OrdinaryBrightness = 0.62;

    private static readonly Dictionary<string, Palette> Styles = new(StringComparer.Ordinal)
    {
        ["modern"] = new(0x6b4a35, 0x8b8f94, 0x2f4858, 0xd9a441, 0x2b2b2d, 0xd7d3cb, 0xb3aea4, 0xe7e4de),
        ["contemporary"] = new(0x5a4334, 0xb9b2a6, 0x7a8a7c, 0xc7794f, 0x3a3a3c, 0xe3ded4, 0xa59f93, 0xd9d5cc),
        ["scandinavian"] = new(0xd8b88c, 0xd3d0c8, 0x7f9a9b, 0xe2b7a0, 0x3c3c3c, 0xefebe2, 0xb9b4a8, 0xf2efe9),
        ["minimalist"] = new(0xc9b79c, 0xe4e1da, 0xa9a49a, 0x6f6b64, 0x55534f, 0xeceae4, 0xdcd9d1, 0xf4f2ee),
        ["industrial"] = new(0x7a5236, 0x6d5a4c, 0x9a4f2e, 0x3d4246, 0x242424, 0x8f8b85, 0x5f5b56, 0x9b9892),
        ["mid_century"] = new(0x8a5430, 0x4f7a74, 0xd98a2b, 0xb5483a, 0xb08d4a, 0xe6d9bf, 0xc77b3b, 0xe8dcc6),
        ["farmhouse"] = new(0xa47a52, 0xe6dfd0, 0x7d8f86, 0xb5835a, 0x3f3a36, 0xe9e0ce, 0x9aa08f, 0xf0ebe0),
        ["coastal"] = new(0xcdb08a, 0xeae6dc, 0x4f86a6, 0x9cc3c9, 0xb9b6ad, 0xe4ecec, 0x86afc0, 0xf1eee6),
        ["bohemian"] = new(0x94602f, 0xc98f6b, 0x8c3f4c, 0x3f7a6e, 0xb48a3c, 0xc25a3c, 0xf0c67a, 0xe7d3b5),
        ["traditional"] = new(0x5b3320, 0x8d7a63, 0x7a2630, 0x2f4a3a, 0xb0904f, 0x8e3f37, 0xd9c08c, 0xe2d6c2),
        ["luxury"] = new(0x3b2a22, 0xd8cfc2, 0x1f4a46, 0xc9a24d, 0xc9a24d, 0xd9d2c8, 0xb79a5e, 0xefece6),
        ["japandi"] = new(0xa98461, 0xcfc5b5, 0x5e6b5a, 0x8a5f4a, 0x35322f, 0xddd4c5, 0xbcb09d, 0xe6dfd3),
    };

    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.Ordinal)
    {
        ["mid_century_modern"] = "mid_century",
        ["midcentury"] = "mid_century",
        ["minimal"] = "minimalist",
        ["boho"] = "bohemian",
        ["nordic"] = "scandinavian",
        ["rustic"] = "farmhouse",
        ["modern_farmhouse"] = "farmhouse",
        ["classic"] = "traditional",
        ["transitional"] = "contemporary",
        ["glam"] = "luxury",
    };

    /// <summary>The colours of a style; of some style for one that is not known.</summary>
    internal static Palette Of(string style)
    {
        if (Styles.TryGetValue(OtherNames.GetValueOrDefault(style, style), out var palette))
            return palette;
        var number = style.Aggregate(17, (sum, letter) => unchecked((sum * 31) + letter));
        return Styles.Values.ElementAt((int)((uint)number % Styles.Count));
    }

    /// <summary>The same in a room of the given mean brightness, 0..1.</summary>
    internal Palette Under(double brightness)
    {
        var light = Math.Clamp(0.55 + (0.45 * brightness / OrdinaryBrightness), 0.65, 1.0);
        return new Palette(
            Wood.Shade(light), Fabric.Shade(light), Accent.Shade(light), Second.Shade(light),
            Metal.Shade(light), Rug.Shade(light), RugLine.Shade(light), Stone.Shade(light));
    }
}
