namespace HomeStage.Entitlements.Credits;

/// <summary>A job's claim on credits or on the free allowance, as it is read.</summary>
internal sealed class HoldRow
{
    public required Guid JobId { get; init; }

    /// <summary>Who asked for it; the account may have been merged since.</summary>
    public required Guid AccountId { get; init; }

    /// <summary><c>open</c> or <c>settled</c>.</summary>
    public required string State { get; init; }

    public required bool Free { get; init; }

    public required int Credits { get; init; }

    /// <summary>Null if it was settled before it was taken.</summary>
    public DateTimeOffset? TakenAt { get; init; }
}
