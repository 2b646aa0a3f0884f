using HomeStage.Staging.Attempts;

namespace HomeStage.Staging.Listings;

/// <summary>How many of a listing's photos are where.</summary>
/// <param name="Queued">Waiting.</param>
/// <param name="Running">A worker has them.</param>
/// <param name="Succeeded">Ended with pictures.</param>
/// <param name="Failed">Ended without.</param>
/// <param name="Canceled">Canceled.</param>
/// <param name="NotStaged">The credits did not suffice.</param>
/// <param name="Deleted">Deleted one by one.</param>
internal sealed record ListingCounts(int Queued, int Running, int Succeeded, int Failed, int Canceled, int NotStaged, int Deleted);

/// <summary>What a listing came to so far, in credits. What is held, and neither captured nor released, is still under way.</summary>
/// <param name="Held">What was set aside.</param>
/// <param name="Captured">What of it was charged.</param>
/// <param name="Released">What was given back.</param>
internal sealed record ListingReceiptView(int Held, int Captured, int Released);

/// <summary>What its jobs make of a listing. Pure.</summary>
internal sealed record ListingState
{
    internal const string NotStaged = "not_staged";
    internal const string Deleted = "deleted";

    public required string Status { get; init; }

    public required ListingCounts Counts { get; init; }

    /// <summary>Pictures that can be had now.</summary>
    public required int Pictures { get; init; }

    public required ListingReceiptView Receipt { get; init; }

    /// <summary>Null while something is under way.</summary>
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>What a job is in its listing: its status for clients, <c>not_staged</c> or <c>deleted</c>.</summary>
    internal static string StatusOf(Job job) => job switch
    {
        { NeverHeld: true } => NotStaged,
        { DeletedAt: not null } => Deleted,
        _ => job.PublicStatus,
    };

    /// <param name="jobs">All jobs of one listing.</param>
    internal static ListingState Of(IReadOnlyCollection<Job> jobs)
    {
        var counts = jobs.CountBy(StatusOf).ToDictionary(StringComparer.Ordinal);
        var ended = jobs.All(job => job.IsTerminal);
        return new ListingState
        {
            Status = ended ? OutcomeOf(jobs) : jobs.Any(job => job.Status == JobStatus.Running || job is { IsTerminal: true, NeverHeld: false }) ? "running" : "queued",
            Counts = new ListingCounts(
                counts.GetValueOrDefault("queued"),
                counts.GetValueOrDefault("running"),
                counts.GetValueOrDefault("succeeded"),
                counts.GetValueOrDefault("failed"),
                counts.GetValueOrDefault("canceled"),
                counts.GetValueOrDefault(NotStaged),
                counts.GetValueOrDefault(Deleted)),
            Pictures = jobs.Where(job => job.DeletedAt is null).Sum(job => job.Pictures.Length),
            Receipt = new ListingReceiptView(jobs.Sum(job => job.Held), jobs.Sum(job => job.Captured), jobs.Where(job => job.IsTerminal).Sum(job => job.Held - job.Captured)),
            FinishedAt = ended ? jobs.Max(job => job.FinishedAt) : null,
        };
    }

    private static string OutcomeOf(IReadOnlyCollection<Job> jobs)
    {
        if (jobs.All(job => job.Status == JobStatus.Succeeded))
            return "succeeded";
        if (jobs.Any(job => job.Pictures.Length > 0))
            return "partial";
        return jobs.Any(job => job.Status == JobStatus.Failed) ? "failed" : "canceled";
    }
}
