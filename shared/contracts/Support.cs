namespace HomeStage.Contracts;

/// <summary>
/// An order as support sees it. Billing answers a list of them, newest first, at most 50, to
/// <c>GET /internal/support/orders</c> with one of the parameters <c>orderId</c>, <c>accountId</c>, <c>stripeId</c> (a Checkout Session,
/// payment, charge, refund, dispute or event) or <c>email</c>.
/// </summary>
public sealed record SupportOrder
{
    /// <summary>The order.</summary>
    public required Guid OrderId { get; init; }

    /// <summary>Who placed it; the account may have been merged since.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>The plan's id.</summary>
    public required string Plan { get; init; }

    /// <summary>The credits of the plan when it was ordered.</summary>
    public required int Credits { get; init; }

    /// <summary>For how many days they are valid once paid.</summary>
    public required int ValidForDays { get; init; }

    /// <summary>The price, in the currency's minor unit.</summary>
    public required long Amount { get; init; }

    /// <summary>ISO 4217, lower case.</summary>
    public required string Currency { get; init; }

    /// <summary>The status that customers see.</summary>
    public required string Status { get; init; }

    /// <summary>When it was placed.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was paid, if it was.</summary>
    public DateTimeOffset? PaidAt { get; init; }

    /// <summary>What went back to the customer, in the currency's minor unit.</summary>
    public required long AmountReturned { get; init; }

    /// <summary>Whether a dispute is open that holds the money.</summary>
    public required bool DisputeOpen { get; init; }

    /// <summary>Whether the card's issuer warned of fraud.</summary>
    public required bool FraudWarning { get; init; }

    /// <summary>Counts the changes of the order's facts.</summary>
    public required long Revision { get; init; }

    /// <summary>Stripe's id of the Checkout Session.</summary>
    public string? SessionId { get; init; }

    /// <summary>Stripe's id of the payment.</summary>
    public string? PaymentIntentId { get; init; }
}

/// <summary>Why an order stands as it does, step by step: answer to <c>GET /internal/support/orders/{orderId}/explanation</c>.</summary>
public sealed record OrderExplanation
{
    /// <summary>The order.</summary>
    public required SupportOrder Order { get; init; }

    /// <summary>What happened, oldest first.</summary>
    public required IReadOnlyList<OrderStep> Steps { get; init; }

    /// <summary>What to do next, as a sentence that names a command; null if nothing is wrong.</summary>
    public string? Advice { get; init; }
}

/// <summary>One thing that happened to an order.</summary>
public sealed record OrderStep
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What, as a word: <c>placed</c>, <c>offered</c>, an event's type, <c>payment_sent</c>, a ledger entry's kind.</summary>
    public required string What { get; init; }

    /// <summary>What came of it, as a sentence.</summary>
    public required string Detail { get; init; }

    /// <summary>Stripe's event, the message or the entry.</summary>
    public string? Reference { get; init; }
}

/// <summary>What a reconciliation with Stripe found: answer to <c>POST /internal/support/reconcile</c>.</summary>
public sealed record ReconciliationReport
{
    /// <summary>False if another replica was at it already; then the rest tells nothing.</summary>
    public required bool Ran { get; init; }

    /// <summary>The oldest moment that was asked for.</summary>
    public DateTimeOffset From { get; init; }

    /// <summary>Up to when everything is known now.</summary>
    public DateTimeOffset To { get; init; }

    /// <summary>How many events Stripe listed.</summary>
    public int Listed { get; init; }

    /// <summary>How many of them had never arrived.</summary>
    public int New { get; init; }

    /// <summary>How many orders were moved on by asking Stripe for their Checkout Session.</summary>
    public int OrdersChecked { get; init; }
}
