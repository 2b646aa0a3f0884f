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

    /// <summary>The API key that asks, whose monthly credits bound the hold; null for people and for access tokens.</summary>
    public Guid? ApiKeyId { get; init; }
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

/// <summary>Body of <c>PUT /internal/holds</c>, staging-api to entitlements: holds for a list of jobs in one step. Idempotent by job.</summary>
public sealed record HoldListRequest
{
    /// <summary>The account that pays.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>
    /// True: all of them or none, answered 200, or like a refused single hold with <c>jobId</c> naming the first that could not be held.
    /// False: as many as possible in the order of the list, always answered 200.
    /// </summary>
    public required bool AllOrNone { get; init; }

    /// <summary>1 to 100 different jobs; what comes first is held first.</summary>
    public required IReadOnlyList<ListedHold> Holds { get; init; }

    /// <summary>Keyed hash of the client's address; null for API keys, which are never free.</summary>
    public string? AddressHash { get; init; }

    /// <summary>The API key that asks, whose monthly credits bound all holds of the list together; null for people and for access tokens.</summary>
    public Guid? ApiKeyId { get; init; }
}

/// <summary>One job of a <see cref="HoldListRequest"/>.</summary>
public sealed record ListedHold
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Credits that the job costs when everything is delivered.</summary>
    public required int Credits { get; init; }

    /// <summary>Pictures asked for.</summary>
    public required int Variations { get; init; }

    /// <summary>The job's quality; only <c>draft</c> can be free.</summary>
    public required string Quality { get; init; }
}

/// <summary>Answer to a <see cref="HoldListRequest"/>.</summary>
public sealed record HoldListTaken
{
    /// <summary>One for each job, in the order of the request.</summary>
    public required IReadOnlyList<ListedHoldTaken> Holds { get; init; }
}

/// <summary>What became of one job of a list.</summary>
public sealed record ListedHoldTaken
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>Why it is not held: a code such as <c>insufficient_credits</c>, <c>free_exhausted</c>, <c>conflict</c>; null if it is held.</summary>
    public string? Refusal { get; init; }

    /// <summary>Credits held; 0 if the hold is free or refused.</summary>
    public required int Credits { get; init; }

    /// <summary>Whether the free allowance pays.</summary>
    public required bool Free { get; init; }
}
