using System.Diagnostics.Metrics;
using System.Globalization;
using System.Threading.RateLimiting;
using HomeStage.Hosting.Configuration;
using HomeStage.Hosting.Problems;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Staging.Photos;

/// <summary>How much of the disk photos may take together while they are sent and read.</summary>
internal sealed record UploadRoomSize(int Megabytes)
{
    internal static UploadRoomSize Read(Settings settings) =>
        new(settings.WholeNumber("UPLOADS_MAX_MB", 2_000, 40, 1_000_000, "how much of the disk for temporary files photos may take while they are sent (MB)"));
}

/// <summary>
/// The room that photos have on the disk while they are sent and read. Many slow senders together would fill it, and a disk that is full is no
/// room for anybody; who finds none is told so before a byte is taken.
/// </summary>
internal sealed class UploadRoom : IDisposable
{
    private const long Megabyte = 1_000_000;

    private readonly ConcurrencyLimiter _megabytes;

    public UploadRoom(UploadRoomSize size, IMeterFactory meters)
    {
        _megabytes = new(new ConcurrencyLimiterOptions { PermitLimit = size.Megabytes, QueueLimit = 0 });
        meters.Create("HomeStage.Staging").CreateObservableGauge(
            "homestage.uploads.room", () => BytesLeft, "By", "What photos that are being sent may still take of the disk.");
    }

    internal long BytesLeft => _megabytes.GetStatistics()!.CurrentAvailablePermits * Megabyte;

    /// <summary>Whether a body may go to the disk: JSON, and what is small, waits in memory.</summary>
    internal static bool Takes(HttpRequest request) => !request.HasJsonContentType() && !(request.ContentLength <= PhotoBody.SpoolAfter);

    /// <summary>Takes the room for a body, until the lease ends; one that does not say its length may be as long as any.</summary>
    /// <returns>Not acquired when there is too little room.</returns>
    internal RateLimitLease Take(HttpRequest request)
    {
        var bytes = Math.Min(request.ContentLength ?? PhotoRoutes.MaxRequestBytes, PhotoRoutes.MaxRequestBytes);
        return _megabytes.AttemptAcquire((int)((bytes + Megabyte - 1) / Megabyte));
    }

    public void Dispose() => _megabytes.Dispose();
}

/// <summary>Lets in what there is room for; anything else may be sent again in a few seconds.</summary>
internal sealed class UploadRoomFilter(UploadRoom room, StagingMetrics metrics) : IEndpointFilter
{
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(5);

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        if (!UploadRoom.Takes(context.HttpContext.Request))
            return await next(context);
        using var lease = room.Take(context.HttpContext.Request);
        if (lease.IsAcquired)
            return await next(context);
        metrics.PhotoRead("no_room");
        context.HttpContext.Response.Headers[HeaderNames.RetryAfter] = Wait.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        throw new ProblemException(Problem.Result(ProblemCode.Unavailable, "Many photos are being sent right now. Try again in a few seconds."));
    }
}
