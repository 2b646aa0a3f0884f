namespace HomeStage.Entitlements.Credits;

/// <summary>A pack of credits with an end, as it is read.</summary>
internal sealed class Grant
{
    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public Guid? OrderId { get; init; }

    /// <summary><c>purchase</c> or <c>support</c>.</summary>
    public required string Source { get; init; }

    /// <summary>The plan that was bought.</summary>
    public string? Plan { get; init; }

    public required int Credits { get; init; }

    /// <summary>What is neither held nor gone.</summary>
    public required int Remaining { get; init; }

    public required int Held { get; init; }

    /// <summary>What support corrected <see cref="Credits"/> by.</summary>
    public int Adjusted { get; init; }

    public int Captured { get; init; }

    public int Expired { get; init; }

    /// <summary>Taken back because money was returned.</summary>
    public int RevokedByPayment { get; init; }

    public int RevokedBySupport { get; init; }

    public required DateTimeOffset GrantedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Until when credits that came back after the end may still be used.</summary>
    public DateTimeOffset? GraceUntil { get; init; }

    /// <summary>The later of its expiry and its grace.</summary>
    public required DateTimeOffset UsableUntil { get; init; }

    /// <summary>Since when it may not be used, if it may not.</summary>
    public DateTimeOffset? FrozenAt { get; init; }

    /// <summary>Any of <c>dispute</c> and <c>support</c>; usable only if none.</summary>
    public string[] FrozenReasons { get; init; } = [];

    /// <summary>SHA-256 of the restore code of its order, hexadecimal.</summary>
    public string? RestoreCodeHash { get; init; }

    /// <summary>Whether it is over at the given time; a frozen grant's clock stands still.</summary>
    internal bool IsExpired(DateTimeOffset now) => UsableUntil <= (FrozenAt ?? now);

    /// <summary>What a hold could take of it, whether or not the expiry that is due was written already.</summary>
    internal int Usable(DateTimeOffset now) => FrozenAt is null && !IsExpired(now) ? Remaining : 0;

    /// <summary>
    /// <c>frozen</c> (not usable now, and its time stands still), <c>grace</c> (over, but usable until <see cref="GraceUntil"/>),
    /// <c>expired</c>, <c>used</c> or <c>active</c>.
    /// </summary>
    internal string Status(DateTimeOffset now) =>
        FrozenAt is not null ? "frozen"
        : IsExpired(now) ? "expired"
        : Remaining + Held == 0 ? "used"
        : ExpiresAt <= now ? "grace"
        : "active";
}
