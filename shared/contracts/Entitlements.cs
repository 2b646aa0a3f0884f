namespace HomeStage.Contracts;

/// <summary>An account's balance changed; tells clients to read it again.</summary>
public sealed record CreditsChanged
{
    /// <summary>The account.</summary>
    public required Guid AccountId { get; init; }
}

/// <summary>One account was merged into another.</summary>
public sealed record AccountMerged
{
    /// <summary>The account that ceased to exist.</summary>
    public required Guid From { get; init; }

    /// <summary>The account that owns its things from now on.</summary>
    public required Guid Into { get; init; }
}

/// <summary>An account's person asked for deletion, and it was carried out here.</summary>
public sealed record AccountErased
{
    /// <summary>The account.</summary>
    public required Guid AccountId { get; init; }
}
