using System.Collections.Immutable;

namespace HomeStage.Staging.Attempts;

/// <summary>Where a job is. Clients see <see cref="Accepted"/> as <c>queued</c>.</summary>
internal enum JobStatus
{
    /// <summary>Recorded; whether it is paid for is not known yet.</summary>
    Accepted,

    /// <summary>Paid for, waiting for its first claim.</summary>
    Queued,

    /// <summary>Claimed at least once.</summary>
    Running,

    /// <summary>Ended with one picture or more.</summary>
    Succeeded,

    /// <summary>Ended without pictures.</summary>
    Failed,

    /// <summary>Ended by its owner.</summary>
    Canceled,
}

/// <summary>One delivered picture in its variants, all of them blob keys.</summary>
internal sealed record Picture(string Clean, string Labeled, string Thumb, int Width, int Height, string MediaType);

/// <summary>
/// A staging job, the only authority about itself. A value: <see cref="JobMachine"/> makes the next one, and
/// <see cref="JobWriter"/> stores it if <see cref="Revision"/> is still the one that was read.
/// </summary>
internal sealed record Job
{
    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public JobStatus Status { get; init; } = JobStatus.Accepted;

    public required string Room { get; init; }

    public required string Style { get; init; }

    public required string Quality { get; init; }

    public bool Declutter { get; init; }

    public string? Words { get; init; }

    /// <summary>What the files are to be, one of <see cref="HomeStage.Catalog.Catalogue.Formats"/>.</summary>
    public string Format { get; init; } = HomeStage.Catalog.ImageModel.DefaultFormat;

    /// <summary>The size that the provider is asked for; null for the one nearest in shape to the photo.</summary>
    public string? Size { get; init; }

    public int? Seed { get; init; }

    /// <summary>The staging whose photo was used again.</summary>
    public Guid? SourceId { get; init; }

    /// <summary>The listing that it belongs to.</summary>
    public Guid? ListingId { get; init; }

    /// <summary>Its place there, from 1.</summary>
    public int? ListingN { get; init; }

    /// <summary>The photo that was uploaded for it, where that is known.</summary>
    public Guid? PhotoId { get; init; }

    /// <summary>A picture of another job of its listing that this one's are to resemble.</summary>
    public string? ReferenceBlob { get; init; }

    public required int Variations { get; init; }

    /// <summary>Credits for one picture.</summary>
    public required int Price { get; init; }

    public required int PromptVersion { get; init; }

    public required string OriginalBlob { get; init; }

    public required int PhotoWidth { get; init; }

    public required int PhotoHeight { get; init; }

    /// <summary>Whether the free allowance pays; null until the hold was taken.</summary>
    public bool? Free { get; init; }

    /// <summary>Credits held; 0 for a free job.</summary>
    public int Held { get; init; }

    /// <summary>What the settlement says: the price of what was delivered, for a free job as if it were paid. Null until the end.</summary>
    public int? CreditsUsed { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? QueuedAt { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>No claims from here on.</summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>The current attempt; 0 before the job is queued, and while it <see cref="Waits"/>.</summary>
    public int Attempt { get; init; }

    /// <summary>Attempts that ended and may have cost money.</summary>
    public int CostlyAttempts { get; init; }

    /// <summary>Attempts that ended and cost nothing.</summary>
    public int FreeAttempts { get; init; }

    /// <summary>How often the current attempt was sent to the workers.</summary>
    public int Sends { get; init; }

    /// <summary>When the current attempt is due to be sent (again), while nobody has claimed it.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>The worker's delivery that holds the lease.</summary>
    public Guid? ClaimId { get; init; }

    public DateTimeOffset? ClaimedAt { get; init; }

    public DateTimeOffset? LeaseUntil { get; init; }

    /// <summary><c>preparing</c>, <c>rendering</c>, <c>finishing</c>, or <c>waiting</c> for the next attempt.</summary>
    public string? Phase { get; init; }

    public string? PreviewBlob { get; init; }

    public ImmutableArray<Picture> Pictures { get; init; } = [];

    public string? ErrorCode { get; init; }

    /// <summary>Whether it was canceled after the provider may have been called.</summary>
    public bool LateCancel { get; init; }

    /// <summary>The number of its newest event.</summary>
    public long LastEvent { get; init; }

    public long Revision { get; init; }

    /// <summary>When the scheduler must look at it next; null once it has ended.</summary>
    public DateTimeOffset? DueAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Whether its blobs were removed after the deletion.</summary>
    public bool Purged { get; init; }

    /// <summary>Whether it waits for the first picture of its listing and was not sent to the workers yet.</summary>
    public bool Waits => Status == JobStatus.Queued && Attempt == 0;

    /// <summary>Whether entitlements refused its hold.</summary>
    public bool NeverHeld => Status == JobStatus.Failed && QueuedAt is null && ErrorCode != JobMachine.SubmissionInterrupted;

    /// <summary>Credits that were charged, once it has ended.</summary>
    public int Captured => Free == true ? 0 : CreditsUsed ?? 0;

    public bool IsTerminal => JobMachine.IsTerminal(Status);

    public int Missing => Variations - Pictures.Length;

    /// <summary>What clients are told.</summary>
    public string PublicStatus => Status == JobStatus.Accepted ? "queued" : Status.ToString().ToLowerInvariant();
}
