using System.Security.Cryptography;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging.Intake;

namespace HomeStage.Staging.Photos;

/// <summary>
/// A photo's bytes as they were sent, never more than a photo may have. They wait in a temporary file: neither slow senders nor a queue of
/// photos take memory.
/// </summary>
internal sealed class PhotoBody
{
    /// <summary>Bytes that a body may have to wait in memory instead.</summary>
    internal const int SpoolAfter = 64 * 1024;

    private static readonly string[] MediaTypes = ["image/jpeg", "image/png", "image/webp", "application/octet-stream"];

    private readonly Stream _file;

    private PhotoBody(Stream file, byte[] sha256) => (_file, Sha256) = (file, sha256);

    /// <summary>Of all the bytes.</summary>
    internal byte[] Sha256 { get; }

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

    /// <summary>Takes the body of a request, which keeps it until its answer is sent.</summary>
    /// <exception cref="ProblemException"><c>payload_too_large</c>.</exception>
    internal static Task<PhotoBody> ReceiveAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > PhotoLimits.Default.MaxBytes)
            throw TooLarge();
        request.EnableBuffering(SpoolAfter);
        return OfAsync(request.Body, cancellationToken);
    }

    /// <summary>Takes what can be read again, and is kept by its owner for as long as this is used.</summary>
    /// <exception cref="ProblemException"><c>payload_too_large</c>.</exception>
    internal static async Task<PhotoBody> OfAsync(Stream file, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[16 * 1024];
        int read;
        while ((read = await file.ReadAsync(piece, cancellationToken)) > 0)
        {
            if (file.Position > PhotoLimits.Default.MaxBytes)
                throw TooLarge();
            hash.AppendData(piece, 0, read);
        }

        return new PhotoBody(file, hash.GetHashAndReset());
    }

    /// <summary>All the bytes in memory: for whose turn it is.</summary>
    internal async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        var bytes = new byte[_file.Length];
        _file.Position = 0;
        await _file.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }
}
