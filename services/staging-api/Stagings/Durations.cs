using System.Collections.Concurrent;
using HomeStage.Hosting.Messaging;
using HomeStage.Staging.Attempts;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Stagings;

/// <summary>How long stagings take at present: the median of the last 20 that succeeded, by quality, looked up each 30 s.</summary>
internal sealed class Durations(IDbContextFactory<StagingDb> databases, TimeProvider time)
{
    private const int Sample = 20;
    private static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, (DateTimeOffset At, TimeSpan Median)> _known = new(StringComparer.Ordinal);

    internal async Task<TimeSpan> OfAsync(string quality, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_known.TryGetValue(quality, out var known) && now - known.At < Kept)
            return known.Median;
        // Set first, so that one request looks and the others go on with what was known.
        _known[quality] = (now, known.Median == default ? Usual : known.Median);
        try
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            var recent = await db.Jobs.Where(job => job.Quality == quality && job.Status == JobStatus.Succeeded && job.FinishedAt != null)
                .OrderByDescending(job => job.FinishedAt).Take(Sample)
                .Select(job => new { job.QueuedAt, job.FinishedAt }).ToListAsync(cancellationToken);
            if (recent.Count > 0)
                _known[quality] = (now, recent.Select(job => job.FinishedAt!.Value - job.QueuedAt!.Value).Order().ElementAt(recent.Count / 2));
        }
        catch (Exception error) when (Infrastructure.IsTransient(error))
        {
            // An estimate is not worth failing for.
        }

        return _known[quality].Median;
    }
}
