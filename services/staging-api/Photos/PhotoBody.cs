using HomeStage.Hosting.Problems;
using HomeStage.Imaging.Intake;

namespace HomeStage.Staging.Photos;

/// <summary>Reads a photo's bytes from a request, never more than a photo may have.</summary>
internal static class PhotoBody
{
    private static readonly string[] MediaTypes = ["image/jpeg", "image/png", "image/webp", "application/octet-stream"];

    internal static ProblemException TooLarge() => new(Problem.Result(
        ProblemCode.PayloadTooLarge, $"A photo may have at most {PhotoLimits.Default.MaxBytes / 1_000_000} MB.", ("maxBytes", PhotoLimits.Default.MaxBytes)));

    /// <exception cref="ProblemException"><c>unsupported_media_type</c>.</exception>
    internal static void RequireMediaType(string? contentType)
    {
        var mediaType = contentType?.Split(';', 2)[0].Trim();
        if (!MediaTypes.Contains(mediaType, StringComparer.OrdinalIgnoreCase))
        {
            throw new ProblemException(Problem.Result(
                ProblemCode.UnsupportedMediaType, "Send the photo's bytes as image/jpeg, image/png, image/webp or application/octet-stream."));
        }
    }

    /// <exception cref="ProblemException"><c>payload_too_large</c>.</exception>
    internal static async Task<byte[]> ReadAsync(Stream body, long? length, CancellationToken cancellationToken)
    {
        if (length > PhotoLimits.Default.MaxBytes)
            throw TooLarge();
        using var bytes = new MemoryStream((int)(length ?? 0));
        var buffer = new byte[81920];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (bytes.Length + read > PhotoLimits.Default.MaxBytes)
                throw TooLarge();
            bytes.Write(buffer, 0, read);
        }

        return bytes.Length == bytes.Capacity ? bytes.GetBuffer() : bytes.ToArray();
    }
}
