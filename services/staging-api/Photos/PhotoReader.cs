using System.Security.Cryptography;
using System.Threading.RateLimiting;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging.Intake;

namespace HomeStage.Staging.Photos;

/// <summary>A photo as it is kept, with the hash of that file.</summary>
internal sealed record ReadPhoto(byte[] Jpeg, string Sha256, int Width, int Height);

/// <summary>Reads photos from outside, only as many at once as there are cores: a decode takes up to 500 MB.</summary>
internal sealed class PhotoReader(VirusScan scan, StagingMetrics metrics) : IDisposable
{
    private readonly ConcurrencyLimiter _decodes = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Environment.ProcessorCount,
        QueueLimit = 8 * Environment.ProcessorCount,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Checks and normalises a photo.</summary>
    /// <exception cref="ProblemException"><c>image_rejected</c> with the reason, or <c>unavailable</c> when too many wait or no virus scan is possible.</exception>
    internal async Task<ReadPhoto> ReadAsync(byte[] file, CancellationToken cancellationToken)
    {
        using var turn = await _decodes.AcquireAsync(cancellationToken: cancellationToken);
        if (!turn.IsAcquired)
            throw new ProblemException(Problem.Result(ProblemCode.Unavailable, "Many photos are being read right now. Try again in a few seconds."));
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
