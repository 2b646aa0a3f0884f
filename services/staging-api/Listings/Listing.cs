namespace HomeStage.Staging.Listings;

/// <summary>
/// Photos of one home, staged together in one style. What became of it is derived from its jobs (<see cref="ListingState"/>); the row has
/// only what belongs to none of them alone.
/// </summary>
internal sealed record Listing
{
    /// <summary>Photos that a listing may have at most.</summary>
    internal const int MaxPhotos = 50;

    /// <summary>Characters that its name may have at most.</summary>
    internal const int MaxName = 100;

    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    /// <summary>What its owner calls it.</summary>
    public string? Name { get; init; }

    /// <summary>One of <see cref="ListingTake"/>.</summary>
    public required string Take { get; init; }

    /// <summary>The number of its newest event.</summary>
    public long LastEvent { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }
}

/// <summary>What is to be done when the credits do not suffice for all photos.</summary>
internal static class ListingTake
{
    /// <summary>Nothing.</summary>
    internal const string All = "all";

    /// <summary>As many as they suffice for, in the list's order.</summary>
    internal const string AsMany = "as_many";
}
