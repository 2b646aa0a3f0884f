namespace HomeStage.Staging.Accounts;

/// <summary>One account became another. Flattened: <see cref="IntoAccount"/> is never itself merged into a third.</summary>
internal sealed class AccountAlias
{
    public required Guid FromAccount { get; init; }

    public required Guid IntoAccount { get; init; }
}
