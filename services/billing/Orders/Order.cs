using HomeStage.Billing.Checkout;
using HomeStage.Billing.Payments;
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

    /// <summary>How many attempts at a session ended in an error that Stripe repeats under its idempotency key.</summary>
    public int CheckoutAttempt { get; init; }

    /// <summary>When the customer got the address of the page.</summary>
    public DateTimeOffset? OfferedAt { get; init; }

    /// <summary>When Stripe was last asked how the session stands; no fact, only a bound on asking.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    // The facts.
    public DateTimeOffset? PaidAt { get; private set; }

    public long? AmountPaid { get; private set; }

    /// <summary>The payment that <see cref="PaidAt"/> tells of, or before that the one that is known to have been begun.</summary>
    public string? PaymentIntentId { get; private set; }

    public DateTimeOffset? FailedAt { get; private set; }

    public DateTimeOffset? ExpiredAt { get; private set; }

    /// <summary>Pending and succeeded refunds.</summary>
    public long AmountRefunded { get; private set; }

    /// <summary>What lost disputes took back.</summary>
    public long AmountLost { get; private set; }

    public bool DisputeOpen { get; private set; }

    /// <summary>When the card's issuer first warned of fraud.</summary>
    public DateTimeOffset? FraudWarningAt { get; private set; }

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

    /// <summary>What the customer has back, at most what was paid: a dispute about a refunded payment takes the same money twice.</summary>
    public long AmountReturned => Math.Min(AmountRefunded + AmountLost, AmountPaid ?? Amount);

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
        // What was known of a payment that turns out to be another one does not concern this one.
        if (PaymentIntentId is not null && PaymentIntentId != paymentIntentId)
            (AmountRefunded, AmountLost, DisputeOpen, FraudWarningAt) = (0, 0, false, null);
        (PaidAt, AmountPaid, PaymentIntentId) = (at, amount, paymentIntentId);
        Revision++;
        return true;
    }

    /// <summary>Notes a payment that was begun and may never arrive.</summary>
    internal void NotePayment(string? paymentIntentId) => PaymentIntentId ??= paymentIntentId;

    /// <summary>
    /// Sets what Stripe answered about the payment. Always a revision, also when nothing differs: an older answer that is still on its
    /// way must find the order changed. True if what the customer has back, or a dispute, changed.
    /// </summary>
    internal bool RecordPaymentFacts(string paymentIntentId, PaymentFacts facts)
    {
        var before = (AmountReturned, DisputeOpen);
        NotePayment(paymentIntentId);
        (AmountRefunded, AmountLost, DisputeOpen) = (facts.Refunded, facts.Lost, facts.DisputeOpen);
        FraudWarningAt ??= facts.FraudWarnedAt;
        Revision++;
        return before != (AmountReturned, DisputeOpen);
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

    /// <summary>
    /// Ends an order that never got a session, once no <c>Idempotency-Key</c> can continue it any more. True if that was now.
    /// </summary>
    internal bool ExpireIfAbandoned(DateTimeOffset now)
    {
        var end = CreatedAt + IdempotencyKey.KeptFor;
        if (SessionId is not null || Status != OrderStatus.Pending || now < end)
            return false;
        RecordExpiry(end);
        return true;
    }
}
