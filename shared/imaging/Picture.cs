using HomeStage.Imaging.Native;

namespace HomeStage.Imaging;

/// <summary>A finished image file.</summary>
/// <param name="Bytes">The whole file.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="MediaType">What the bytes are, for example <c>image/jpeg</c>.</param>
public sealed record EncodedImage(byte[] Bytes, int Width, int Height, string MediaType);

/// <summary>Steps that every picture goes through.</summary>
internal static class Picture
{
    /// <summary>
    /// Makes broken data an error for <c>thumbnail_buffer</c>. Its own argument <c>fail-on</c> is not handed to the loader in
    /// libvips 8.14, whose PNG loader would then fill the rest with black.
    /// </summary>
    internal static readonly (string Name, object Value) Strictly = ("option-string", "fail-on=error");

    private const string White = "255 255 255";

    /// <summary>
    /// Decodes upright into 8-bit sRGB with three bands, no side longer than <paramref name="longestSide"/>. Truncated data is an error.
    /// </summary>
    /// <exception cref="VipsException">The data cannot be decoded. May also come later, when pixels are computed.</exception>
    internal static VipsImage Decode(byte[] file, int longestSide, bool convertProfile)
    {
        List<(string, object)> arguments =
        [
            ("buffer", file), ("width", longestSide), ("height", longestSide), ("size", "down"), Strictly,
        ];
        if (convertProfile)
            arguments.Add(("export-profile", "srgb"));
        using var decoded = Vips.Image("thumbnail_buffer", [.. arguments]);
        return ToRgb(decoded);
    }

    /// <summary>Any bands and depth to 8-bit sRGB; transparent parts become white.</summary>
    internal static VipsImage ToRgb(VipsImage image)
    {
        using var colour = Vips.Image("colourspace", ("in", image), ("space", "srgb"));
        using var bytes = Vips.Image("cast", ("in", colour), ("format", "uchar"));
        return bytes.HasAlpha
            ? Vips.Image("flatten", ("in", bytes), ("background", White))
            : Vips.Image("copy", ("in", bytes));
    }

    /// <summary>Scales down until no side is longer than <paramref name="longestSide"/>; never up.</summary>
    internal static VipsImage Within(VipsImage image, int longestSide) =>
        Vips.Image("thumbnail_image", ("in", image), ("width", longestSide), ("height", longestSide), ("size", "down"));

    internal static VipsImage Crop(VipsImage image, int left, int top, int width, int height) =>
        Vips.Image("extract_area", ("input", image), ("left", left), ("top", top), ("width", width), ("height", height));
}
