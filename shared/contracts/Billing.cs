namespace HomeStage.Contracts;

/// <summary>An order was paid. Sent once an order's <c>paidAt</c> is first set, whatever followed.</summary>
public sealed record PaymentCompleted
{
    /// <summary>The order; the business key of everything that follows from this message.</summary>
    public required Guid OrderId { get; init; }

    /// <summary>The account that placed the order.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>The id of the plan that was bought.</summary>
    public required string Plan { get; init; }

    /// <summary>Credits bought, as snapshotted on the order.</summary>
    public required int Credits { get; init; }

    /// <summary>How long the credits are usable, in days from <see cref="PaidAt"/>.</summary>
    public required int ValidForDays { get; init; }

    /// <summary>When Stripe said the payment was made, UTC.</summary>
    public required DateTimeOffset PaidAt { get; init; }

    /// <summary>Amount paid in the currency's minor unit.</summary>
    public required long Amount { get; init; }

    /// <summary>ISO 4217 code in lower case, as Stripe writes it.</summary>
    public required string Currency { get; init; }

    /// <summary>
    /// SHA-256 of the order's restore code, hexadecimal, which opens the account on another device while it has no identity. Null from a
    /// billing that makes none.
    /// </summary>
    public string? RestoreCodeHash { get; init; }
}

/// <summary>What is now known of money that went back, in absolute figures; the highest revision wins.</summary>
public sealed record PaymentAdjusted
{
    /// <summary>The order.</summary>
    public required Guid OrderId { get; init; }

    /// <summary>Amount paid in the currency's minor unit.</summary>
    public required long AmountPaid { get; init; }

    /// <summary>Pending and succeeded refunds and lost disputes, in minor units, at most <see cref="AmountPaid"/>.</summary>
    public required long AmountReturned { get; init; }

    /// <summary>Whether a dispute that freezes the credits is open.</summary>
    public required bool DisputeOpen { get; init; }

    /// <summary>The revision of the order that these figures belong to.</summary>
    public required long Revision { get; init; }
}
