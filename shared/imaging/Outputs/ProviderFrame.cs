using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Outputs;

/// <summary>
/// Puts a photo into a frame of the few sizes that an image provider knows, whole and undistorted, so that
/// <see cref="PhotoOutputs.Make"/> later cuts exactly the photo's own view out of the answer.
/// </summary>
public static class ProviderFrame
{
    private const int Quality = 92;

    /// <summary>
    /// The photo scaled to fit, in the centre of exactly <paramref name="width"/> × <paramref name="height"/> pixels; what
    /// remains at two sides is filled with the photo's mirrored edges. Thread-safe.
    /// </summary>
    /// <param name="photo">A photo as <see cref="Intake.PhotoIntake"/> made it.</param>
    /// <param name="width">Width of the frame in pixels.</param>
    /// <param name="height">Height of the frame in pixels.</param>
    /// <returns>A JPEG.</returns>
    /// <exception cref="UnreadableImageException">The bytes are no whole JPEG, PNG or WebP.</exception>
    public static EncodedImage Around(byte[] photo, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(photo);
        try
        {
            using var fitted = Vips.Image(
                "thumbnail_buffer", ("buffer", photo), ("width", width), ("height", height), Picture.Strictly);
            using var rgb = Picture.ToRgb(fitted);
            using var pixels = rgb.PixelsAlone();
            using var framed = Vips.Image(
                "embed",
                ("in", pixels),
                ("x", (width - pixels.Width) / 2),
                ("y", (height - pixels.Height) / 2),
                ("width", width),
                ("height", height),
                ("extend", "mirror"));
            var jpeg = Vips.Bytes("jpegsave_buffer", ("in", framed), ("Q", Quality), ("optimize-coding", true), ("strip", true));
            return new EncodedImage(jpeg, width, height, ImageMediaType.Jpeg);
        }
        catch (VipsException broken)
        {
            throw new UnreadableImageException("The stored photo cannot be decoded.", broken);
        }
    }

    /// <summary>A small copy of a photo or a result, for a model to look at. Thread-safe.</summary>
    /// <param name="picture">A photo as <see cref="Intake.PhotoIntake"/> made it, or one of <see cref="PhotoOutputs"/>.</param>
    /// <param name="longestSide">Pixels that no side is longer than; a smaller picture keeps its size.</param>
    /// <returns>A JPEG without metadata.</returns>
    /// <exception cref="UnreadableImageException">The bytes are no whole JPEG, PNG or WebP.</exception>
    public static EncodedImage Copy(byte[] picture, int longestSide)
    {
        ArgumentNullException.ThrowIfNull(picture);
        try
        {
            using var copy = Picture.Decode(picture, longestSide, convertProfile: false);
            using var pixels = copy.PixelsAlone();
            var jpeg = Vips.Bytes("jpegsave_buffer", ("in", pixels), ("Q", Quality), ("optimize-coding", true), ("strip", true));
            return new EncodedImage(jpeg, pixels.Width, pixels.Height, ImageMediaType.Jpeg);
        }
        catch (VipsException broken)
        {
            throw new UnreadableImageException("The stored picture cannot be decoded.", broken);
        }
    }
}
