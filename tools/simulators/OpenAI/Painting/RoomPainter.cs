using System.Text;
using HomeStage.Imaging;
using HomeStage.Imaging.Native;

namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>Bytes sent as a photo that are no whole JPEG, PNG or WebP.</summary>
internal sealed class PhotoUnreadableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Stands in for the image model: the photo that was sent, upright and at the size asked for, with furniture drawn into it.
/// The same input gives the same picture.
/// </summary>
internal static class RoomPainter
{
    private const int JpegQuality = 93;
    private const int WebPQuality = 90;

    static RoomPainter() => ImagingRuntime.Initialise(ImageLoaders.PhotosAndDrawings);

    /// <summary>Furnishes a photo.</summary>
    /// <param name="photo">JPEG, PNG or WebP.</param>
    /// <param name="width">Width of the picture in pixels.</param>
    /// <param name="height">Height of the picture in pixels.</param>
    /// <param name="room">For example <c>living_room</c> or "living room"; unknown ones are furnished as a living room.</param>
    /// <param name="style">For example <c>scandinavian</c>; unknown ones get one of the known styles.</param>
    /// <param name="outputFormat"><c>png</c>, <c>jpeg</c> or <c>webp</c>.</param>
    /// <param name="variation">Pictures of different number differ.</param>
    /// <exception cref="PhotoUnreadableException">The photo cannot be read.</exception>
    internal static byte[] Paint(byte[] photo, int width, int height, string room, string style, string outputFormat, int variation)
    {
        if (ImageMediaType.Of(photo) is not (ImageMediaType.Jpeg or ImageMediaType.Png or ImageMediaType.WebP))
            throw new PhotoUnreadableException("The photo is no JPEG, PNG or WebP.");
        using var background = Background(photo, width, height);

        var scene = new Scene(width, height);
        Layouts.Furnish(scene, Name(room), Palette.Of(Name(style)).Under(Brightness(background)), variation);
        using var drawing = Vips.Image("svgload_buffer", ("buffer", Encoding.UTF8.GetBytes(scene.ToSvg())));
        using var furnished = Vips.Image("composite2", ("base", background), ("overlay", drawing), ("mode", "over"));
        using var picture = Vips.Image("extract_band", ("in", furnished), ("band", 0), ("n", 3));
        return outputFormat switch
        {
            // Quick, not small: nobody keeps it.
            "png" => Vips.Bytes("pngsave_buffer", ("in", picture), ("compression", 1), ("strip", true)),
            "jpeg" => Vips.Bytes("jpegsave_buffer", ("in", picture), ("Q", JpegQuality), ("strip", true)),
            "webp" => Vips.Bytes("webpsave_buffer", ("in", picture), ("Q", WebPQuality), ("strip", true)),
            _ => throw new ArgumentOutOfRangeException(nameof(outputFormat), outputFormat, "png, jpeg or webp"),
        };
    }

    private static VipsImage Background(byte[] photo, int width, int height)
    {
        try
        {
            using var covered = Vips.Image(
                "thumbnail_buffer",
                ("buffer", photo), ("width", width), ("height", height), ("crop", "centre"), Picture.Strictly);
            using var rgb = Picture.ToRgb(covered);
            return rgb.PixelsAlone();
        }
        catch (VipsException broken)
        {
            throw new PhotoUnreadableException("The photo cannot be decoded.", broken);
        }
    }

    // Furniture in a dim room is dim: the mean of the room's lower half, where it will stand.
    private static double Brightness(VipsImage background)
    {
        using var floor = Picture.Crop(background, 0, background.Height / 2, background.Width, background.Height / 2);
        using var small = Picture.Within(floor, 64);
        return small.ToPixels().Average(sample => sample / 255.0);
    }

    private static string Name(string words) => words.Trim().ToLowerInvariant().Replace(' ', '_').Replace('-', '_');
}
