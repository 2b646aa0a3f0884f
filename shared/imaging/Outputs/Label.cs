using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Outputs;

/// <summary>
/// The disclosure on a staged picture: white letters on a dark, nearly opaque plate in the lower left corner, so that they
/// read on any background, at a size that follows the picture's.
/// </summary>
internal static class Label
{
    internal const string Text = "Virtually staged";

    // Debian's libvips42 brings DejaVu by way of fontconfig; any sans serif serves.
    private const string Family = "DejaVu Sans,Sans Bold";

    // Letters about 2.9% of the geometric mean of the sides, and 2.2% of the width, since panoramas are shown as wide as other pictures;
    // never below what can be read.
    private const double SizeToPicture = 0.029;
    private const double SizeToWidth = 0.022;
    private const double SmallestLetters = 13;
    private const double WidestPlate = 0.92;

    private const int PlateOpacity = 178;

    // Advance widths of the label in bold DejaVu Sans, in letter sizes: on one line, and of its longer word.
    private const double OneLine = 10.2;
    private const double LongerWord = 5.6;

    private static readonly Lazy<bool> HasFont = new(FontIsThere);

    /// <summary>Draws the label; the result has the picture's size and three bands.</summary>
    internal static VipsImage On(VipsImage picture)
    {
        var wanted = Math.Max(SmallestLetters, Math.Max(SizeToPicture * Math.Sqrt((double)picture.Width * picture.Height), SizeToWidth * picture.Width));
        var room = WidestPlate * picture.Width;
        var stacked = wanted * OneLine > room && room / OneLine < SmallestLetters;
        var size = Math.Min(wanted, room / (stacked ? LongerWord : OneLine));

        using var letters = Letters(stacked ? Text.Replace(' ', '\n') : Text, size);
        using var plate = Plate(letters, (int)Math.Round(size * 0.55));
        var margin = Math.Min((int)Math.Round(size * 0.7), Math.Max(0, (picture.Width - plate.Width) / 2));
        using var labeled = Vips.Image(
            "composite2",
            ("base", picture), ("overlay", plate), ("mode", "over"), ("x", margin), ("y", Math.Max(0, picture.Height - plate.Height - margin)));
        return Vips.Image("extract_band", ("in", labeled), ("band", 0), ("n", 3));
    }

    /// <exception cref="InvalidOperationException">No font is installed: the label would be a row of boxes.</exception>
    internal static void RequireFont()
    {
        if (!HasFont.Value)
            throw new InvalidOperationException($"No font is there to write \"{Text}\" on staged pictures: install fonts-dejavu-core.");
    }

    // Without a font every letter is drawn as the same box, so narrow ones come out as wide as wide ones.
    private static bool FontIsThere()
    {
        try
        {
            using var narrow = Letters("iiii", 40);
            using var wide = Letters("WWWW", 40);
            return narrow.Width * 2 < wide.Width;
        }
        catch (VipsException)
        {
            return false;
        }
    }

    // At 72 dpi a point is a pixel.
    private static VipsImage Letters(string text, double size) =>
        Vips.Image("text", ("text", text), ("font", FormattableString.Invariant($"{Family} {size:0.##}")), ("dpi", 72));

    private static VipsImage Plate(VipsImage letters, int padding)
    {
        using var mask = Vips.Image(
            "embed",
            ("in", letters), ("x", padding), ("y", padding), ("width", letters.Width + (2 * padding)), ("height", letters.Height + (2 * padding)));
        using var opacity = Vips.Image("linear", ("in", mask), ("a", (255.0 - PlateOpacity) / 255), ("b", PlateOpacity), ("uchar", true));
        using var grey = Vips.Image("copy", ("in", mask), ("interpretation", "b-w"));
        using var colour = Vips.Image("colourspace", ("in", grey), ("space", "srgb"));
        return Vips.JoinBands(colour, opacity);
    }
}
