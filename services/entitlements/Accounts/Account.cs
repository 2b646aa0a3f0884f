namespace HomeStage.Entitlements.Accounts;

/// <summary>Who owns credits.</summary>
internal sealed class Account
{
    public required Guid Id { get; init; }

    /// <summary>The account that owns everything since this one was merged into it.</summary>
    public Guid? MergedInto { get; init; }

    /// <summary>Whether support froze it: all its grants, and those that come.</summary>
    public bool Frozen { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}
