namespace HomeStage.Contracts;

/// <summary>Body of <c>POST /internal/jobs/{jobId}/claim</c> and <c>…/renew</c>, staging-worker to staging-api.</summary>
public sealed record ClaimRequest
{
    /// <summary>Made by the worker for each delivery; the same id gets the same lease.</summary>
    public required Guid ClaimId { get; init; }

    /// <summary>The attempt that the worker was told to make.</summary>
    public required int Attempt { get; init; }
}

/// <summary>What a worker may do with a job.</summary>
public sealed record ClaimAnswer
{
    /// <summary>To a claim <c>go</c>, <c>canceled</c>, <c>finished</c> or <c>leased</c>; to a renewal <c>go</c> or <c>stop</c>.</summary>
    public required string Decision { get; init; }

    /// <summary>How long the lease holds from now, in seconds; renewed at a third of it.</summary>
    public int LeaseSeconds { get; init; }

    /// <summary>How many pictures are missing now; may be fewer than the message said.</summary>
    public int VariationsMissing { get; init; }
}
