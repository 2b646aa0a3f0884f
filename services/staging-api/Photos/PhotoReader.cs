using System.Security.Cryptography;
using System.Threading.RateLimiting;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging.Intake;

namespace HomeStage.Staging.Photos;

/// <summary>A photo as it is kept, with the hash of that file.</summary>
internal sealed record ReadPhoto(byte[] Jpeg, string Sha256, int Width, int Height);

/// <summary>Reads photos from outside, only as many at once as there are cores and memory for.</summary>
internal sealed class PhotoReader(VirusScan scan, StagingMetrics metrics) : IDisposable
{
    // What the service takes beside its decodes, streams and all.
    private const long Reserve = 256 * 1024 * 1024;

    private readonly ConcurrencyLimiter _decodes = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = DecodesAtOnce(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Environment.ProcessorCount),
        QueueLimit = 8 * Environment.ProcessorCount,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>How many of the largest photos can be decoded at once; one in any case.</summary>
    /// <param name="memory">What the process may use: of a container's limit the runtime counts three quarters.</param>
    /// <param name="cores">More than these would not be faster.</param>
    internal static int DecodesAtOnce(long memory, int cores) =>
        (int)Math.Clamp((memory - Reserve) / (PhotoIntake.MostBytesPerPixel * PhotoLimits.Default.MaxPixels), 1, cores);

    /// <summary>Checks and normalises a photo.</summary>
    /// <exception cref="ProblemException"><c>image_rejected</c> with the reason, or <c>unavailable</c> when too many wait or no virus scan is possible.</exception>
    internal async Task<ReadPhoto> ReadAsync(PhotoBody body, CancellationToken cancellationToken)
    {
        using var turn = await _decodes.AcquireAsync(cancellationToken: cancellationToken);
        if (!turn.IsAcquired)
            throw new ProblemException(Problem.Result(ProblemCode.Unavailable, "Many photos are being read right now. Try again in a few seconds."));
        var file = await body.ReadAsync(cancellationToken);
        // Before a decoder sees it.
        await scan.RequireCleanAsync(file, cancellationToken);
        try
        {
            var photo = await Task.Run(() => PhotoIntake.Read(file), cancellationToken);
            metrics.PhotoRead("accepted");
            return new ReadPhoto(photo.Image.Bytes, Convert.ToHexStringLower(SHA256.HashData(photo.Image.Bytes)), photo.Width, photo.Height);
        }
        catch (PhotoRejectedException rejection)
        {
            metrics.PhotoRead(rejection.Code);
            throw new ProblemException(Problem.Result(ProblemCode.ImageRejected, rejection.Message, ("reason", rejection.Code)));
        }
    }

    public void Dispose() => _decodes.Dispose();
}
