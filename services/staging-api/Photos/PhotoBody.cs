using HomeStage.Hosting.Problems;
using HomeStage.Imaging.Intake;
using Microsoft.AspNetCore.WebUtilities;

namespace HomeStage.Staging.Photos;

/// <summary>Reads a photo's bytes from a request, never more than a photo may have.</summary>
internal static class PhotoBody
{
    private const int SpoolAfter = 64 * 1024;
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
        if (length is null)
            return await ReadUnmeasuredAsync(body, cancellationToken);
        var file = new byte[length.Value];
        return await body.ReadAtLeastAsync(file, file.Length, throwOnEndOfStream: false, cancellationToken) == file.Length
            ? file
            : throw new BadHttpRequestException("The body is shorter than its Content-Length.");
    }

    // Grown in memory it would be there twice and more: it waits in a temporary file until its size is known.
    private static async Task<byte[]> ReadUnmeasuredAsync(Stream body, CancellationToken cancellationToken)
    {
        await using var spool = new FileBufferingReadStream(body, SpoolAfter, PhotoLimits.Default.MaxBytes, Path.GetTempPath);
        try
        {
            await spool.DrainAsync(cancellationToken);
        }
        catch (IOException error) when (error is not BadHttpRequestException)
        {
            throw TooLarge();
        }

        var file = new byte[spool.Length];
        spool.Position = 0;
        await spool.ReadExactlyAsync(file, cancellationToken);
        return file;
    }
}
