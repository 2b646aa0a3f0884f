namespace HomeStage.Imaging;

/// <summary>Media types told from the bytes themselves, never from a name or a header.</summary>
public static class ImageMediaType
{
    /// <summary>image/jpeg</summary>
    public const string Jpeg = "image/jpeg";

    /// <summary>image/png</summary>
    public const string Png = "image/png";

    /// <summary>image/webp</summary>
    public const string WebP = "image/webp";

    /// <summary>
    /// The media type of a file by its first bytes. Knows the types that are processed, and those that people try to send
    /// instead (so that they can be told what to do).
    /// </summary>
    /// <returns>For example <c>image/jpeg</c>; null when the content is none that is known.</returns>
    public static string? Of(ReadOnlySpan<byte> content) => content switch
    {
        [0xFF, 0xD8, 0xFF, ..] => Jpeg,
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Png,
        _ when content.Length >= 12 && content.StartsWith("RIFF"u8) && content[8..].StartsWith("WEBP"u8) => WebP,
        _ when content.Length >= 12 && content[4..].StartsWith("ftyp"u8) => OfBrand(content),
        _ when content.StartsWith("GIF8"u8) => "image/gif",
        _ when content.StartsWith("II*\0"u8) || content.StartsWith("MM\0*"u8) => "image/tiff",
        _ when content.StartsWith("BM"u8) && content.Length >= 26 => "image/bmp",
        _ when content.StartsWith("%PDF-"u8) => "application/pdf",
        _ when content.StartsWith("8BPS"u8) => "image/vnd.adobe.photoshop",
        _ when content.StartsWith("\0\0\0\x0CjP  "u8) => "image/jp2",
        _ when content.StartsWith("\0\0\0\x0CJXL "u8) || content is [0xFF, 0x0A, ..] => "image/jxl",
        _ when LooksLikeSvg(content) => "image/svg+xml",
        _ => null,
    };

    private static string? OfBrand(ReadOnlySpan<byte> content) => content.Slice(8, 4) switch
    {
        [(byte)'a', (byte)'v', (byte)'i', (byte)'f' or (byte)'s'] => "image/avif",
        [(byte)'h', (byte)'e', _, _] or [(byte)'m', (byte)'i', (byte)'f', _] or [(byte)'m', (byte)'s', (byte)'f', _] => "image/heic",
        [(byte)'c', (byte)'r', (byte)'x', _] => "image/x-canon-cr3",
        _ => "video/mp4",
    };

    private static bool LooksLikeSvg(ReadOnlySpan<byte> content)
    {
        var start = content[..Math.Min(content.Length, 1024)];
        return start.IndexOf("<svg"u8) >= 0;
    }
}
