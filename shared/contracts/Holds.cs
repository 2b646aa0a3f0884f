namespace HomeStage.Contracts;

/// <summary>Body of <c>PUT /internal/holds/{jobId}</c>, staging-api to entitlements. All or nothing; idempotent by job.</summary>
public sealed record HoldRequest
{
    /// <summary>The account that pays.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>Credits that the job costs when everything is delivered.</summary>
    public required int Credits { get; init; }

    /// <summary>Pictures asked for; each counts as one free staging if the hold is free.</summary>
    public required int Variations { get; init; }

    /// <summary>The job's quality; only <c>draft</c> can be free.</summary>
    public required string Quality { get; init; }

    /// <summary>Keyed hash of the client's address; null for API keys, which are never free.</summary>
    public string? AddressHash { get; init; }
}

/// <summary>Answer to a hold that was taken, now or before.</summary>
public sealed record HoldTaken
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Credits held; 0 if the hold is free.</summary>
    public required int Credits { get; init; }

    /// <summary>Whether the free allowance pays; the results are then labelled only.</summary>
    public required bool Free { get; init; }
}
