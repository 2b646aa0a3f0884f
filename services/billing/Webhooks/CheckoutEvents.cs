using HomeStage.Billing.Orders;
using HomeStage.Billing.Stripe;

namespace HomeStage.Billing.Webhooks;

/// <summary>What an event comes to.</summary>
/// <param name="State">What became of it.</param>
/// <param name="Reason">Why, as a word.</param>
/// <param name="OrderId">The order that it names.</param>
/// <param name="PaidPlan">The plan, where it made its order paid.</param>
internal sealed record Verdict(EventState State, string? Reason = null, Guid? OrderId = null, string? PaidPlan = null)
{
    /// <summary>How long an event waits at first for what it needs.</summary>
    internal static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(5);

    /// <summary>Why an event waits that needs Stripe's answer.</summary>
    internal const string ToBeFetched = "to_be_fetched";

    /// <summary>How long a waiting event waits before it is tried.</summary>
    public TimeSpan Wait { get; private init; }

    /// <summary>Whether it changed what a paid order's customer got back, or may get back.</summary>
    public bool Adjusted { get; init; }

    /// <summary>Whether it is the first warning of fraud about its order.</summary>
    public bool FraudWarned { get; init; }

    /// <summary>Whether a message follows from it.</summary>
    public bool Sends => PaidPlan is not null || Adjusted;

    /// <summary>It needs something of an order that is not there yet.</summary>
    internal static Verdict WaitsFor(Guid orderId, string reason = "order_unknown") => new(EventState.Waiting, reason, orderId) { Wait = FirstWait };

    /// <summary>It is applied as soon as it is stored, because Stripe must be asked first.</summary>
    internal static Verdict AsksStripe(Guid? orderId) => new(EventState.Waiting, ToBeFetched, orderId);
}

/// <summary>
/// The four events that carry a whole Checkout Session and so prove by themselves what they say. Facts are only ever added, so any
/// order of arrival ends in the same facts.
/// </summary>
internal static class CheckoutEvents
{
    internal static readonly string[] Types =
        ["checkout.session.completed", "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed", "checkout.session.expired"];

    internal static bool Includes(string type) => Types.Contains(type, StringComparer.Ordinal);

    /// <summary>Adds to the order what the event proves.</summary>
    /// <param name="order">The order that the session names.</param>
    /// <param name="type">One of the four.</param>
    /// <param name="session">The session as it was then.</param>
    /// <param name="at">When it happened.</param>
    internal static Verdict Apply(Order order, string type, CheckoutSession session, DateTimeOffset at) => type switch
    {
        "checkout.session.completed" or "checkout.session.async_payment_succeeded" => ApplyPayment(order, session, at),
        // An order that got a second session because the first was never handed out lives on when the first one ends.
        _ when order.SessionId is { } current && current != session.Id => new(EventState.Ignored, "other_session", order.Id),
        "checkout.session.async_payment_failed" => ApplyFact(order, () => order.RecordFailure(at)),
        _ => ApplyFact(order, () => order.RecordExpiry(at)),
    };

    private static Verdict ApplyPayment(Order order, CheckoutSession session, DateTimeOffset at)
    {
        if (!session.IsPaid)
        {
            order.NotePayment(session.PaymentIntentId);
            return new(EventState.Applied, "not_paid_yet", order.Id);
        }

        if (!order.Costs(session.AmountTotal, session.Currency))
            return new(EventState.Flagged, "amount_mismatch", order.Id);
        if (order.RecordPayment(at, session.AmountTotal!.Value, session.PaymentIntentId))
            return new(EventState.Applied, null, order.Id, order.Plan);
        return order.PaymentIntentId == session.PaymentIntentId
            ? new(EventState.Applied, "known_already", order.Id)
            : new(EventState.Flagged, "paid_twice", order.Id);
    }

    private static Verdict ApplyFact(Order order, Action record)
    {
        record();
        return new(EventState.Applied, null, order.Id);
    }
}
