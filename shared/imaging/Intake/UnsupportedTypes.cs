namespace HomeStage.Imaging.Intake;

/// <summary>Names what was sent, and says how to get a JPEG from it.</summary>
internal static class UnsupportedTypes
{
    internal static string Advice(string mediaType) => mediaType switch
    {
        "image/heic" => "This is a HEIC photo. On an iPhone choose Settings > Camera > Formats > Most Compatible, or export the photo as JPEG, and send that.",
        "image/avif" => "This is an AVIF picture. Export it as JPEG, PNG or WebP and send that.",
        "image/gif" => "This is a GIF. Save it as JPEG, PNG or WebP and send that.",
        "image/tiff" => "This is a TIFF or a camera's raw file. Export it as JPEG and send that.",
        "image/x-canon-cr3" => "This is a camera's raw file. Export it as JPEG and send that.",
        "image/bmp" => "This is a BMP picture. Save it as JPEG or PNG and send that.",
        "image/svg+xml" => "This is an SVG drawing. Send a photo as JPEG, PNG or WebP.",
        "application/pdf" => "This is a PDF document. Export the page as JPEG or PNG and send that.",
        "image/vnd.adobe.photoshop" => "This is a Photoshop document. Export it as JPEG and send that.",
        "image/jp2" => "This is a JPEG 2000 picture. Export it as JPEG and send that.",
        "image/jxl" => "This is a JPEG XL picture. Export it as JPEG, PNG or WebP and send that.",
        "video/mp4" => "This is a video. Send a photo as JPEG, PNG or WebP.",
        _ => $"Files of type {mediaType} cannot be taken. Send a photo as JPEG, PNG or WebP.",
    };
}
