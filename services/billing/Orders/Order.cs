using HomeStage.Billing.Plans;

namespace HomeStage.Billing.Orders;

/// <summary>
/// What an account was offered, and the facts that are known of it since. Facts are set once and never taken back, in whatever order
/// they become known; <see cref="Status"/> follows from them.
/// </summary>
internal sealed class Order
{
    // What was offered. The service's database role may not change these columns.
    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public required string Plan { get; init; }

    public required string PlanName { get; init; }

    public required int Credits { get; init; }

    public required int DurationDays { get; init; }

    /// <summary>The price in the currency's minor unit.</summary>
    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public string? StripePriceId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    // Where it can be paid.
    public string? SessionId { get; init; }

    public string? SessionUrl { get; init; }

    public DateTimeOffset? SessionExpiresAt { get; init; }

    // The facts.
    public DateTimeOffset? PaidAt { get; private set; }

    public long? AmountPaid { get; private set; }

    /// <summary>The payment that <see cref="PaidAt"/> tells of.</summary>
    public string? PaymentIntentId { get; private set; }

    public DateTimeOffset? FailedAt { get; private set; }

    public DateTimeOffset? ExpiredAt { get; private set; }

    /// <summary>Pending and succeeded refunds.</summary>
    public long AmountRefunded { get; init; }

    /// <summary>What lost disputes took back.</summary>
    public long AmountLost { get; init; }

    public bool DisputeOpen { get; init; }

    /// <summary>Counts the changes of the facts; a writer who saw an older one must look again.</summary>
    public long Revision { get; private set; }

    public OrderStatus Status => this switch
    {
        { AmountLost: > 0 } => OrderStatus.ChargedBack,
        { DisputeOpen: true } => OrderStatus.Disputed,
        { AmountRefunded: > 0 } => AmountRefunded >= (AmountPaid ?? Amount) ? OrderStatus.Refunded : OrderStatus.PartiallyRefunded,
        { PaidAt: not null } => OrderStatus.Paid,
        { FailedAt: not null } => OrderStatus.Failed,
        { ExpiredAt: not null } => OrderStatus.Expired,
        _ => OrderStatus.Pending,
    };

    internal static Order Place(Guid accountId, Plan plan, DateTimeOffset now) => new()
    {
        Id = Guid.CreateVersion7(now),
        AccountId = accountId,
        Plan = plan.Id,
        PlanName = plan.Name,
        Credits = plan.Credits,
        DurationDays = plan.DurationDays,
        Amount = plan.Price,
        Currency = plan.Currency,
        StripePriceId = plan.StripePriceId,
        CreatedAt = now,
    };

    /// <summary>Whether this is what was offered.</summary>
    internal bool Costs(long? amount, string? currency) => amount == Amount && string.Equals(currency, Currency, StringComparison.OrdinalIgnoreCase);

    /// <summary>Records the payment; false if one is known already.</summary>
    internal bool RecordPayment(DateTimeOffset at, long amount, string? paymentIntentId)
    {
        if (PaidAt is not null)
            return false;
        (PaidAt, AmountPaid, PaymentIntentId) = (at, amount, paymentIntentId);
        Revision++;
        return true;
    }

    internal void RecordFailure(DateTimeOffset at)
    {
        if (FailedAt is not null)
            return;
        FailedAt = at;
        Revision++;
    }

    internal void RecordExpiry(DateTimeOffset at)
    {
        if (ExpiredAt is not null)
            return;
        ExpiredAt = at;
        Revision++;
    }
}
