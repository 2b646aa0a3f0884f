using HomeStage.Billing.Orders;
using HomeStage.Billing.Webhooks;

namespace HomeStage.Billing.Payments;

/// <summary>
/// The events after a payment: refunds, disputes, early fraud warnings. What they carry is one moment of one object, so they are only a
/// reason to ask Stripe how the whole payment stands; their order and repetition then cannot matter.
/// </summary>
internal static class PaymentEvents
{
    /// <summary>The types that Stripe has today, for its list of events.</summary>
    internal static readonly string[] Types =
    [
        "refund.created", "refund.updated", "refund.failed", "charge.refunded", "charge.refund.updated",
        "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created", "radar.early_fraud_warning.updated",
    ];

    internal static bool Includes(string type) => type is "charge.refunded" or "charge.refund.updated"
        || type.StartsWith("refund.", StringComparison.Ordinal)
        || type.StartsWith("charge.dispute.", StringComparison.Ordinal)
        || type.StartsWith("radar.early_fraud_warning.", StringComparison.Ordinal);

    /// <summary>Sets the order's facts to what Stripe answered; null if the order has changed since it was asked.</summary>
    /// <param name="order">The order, locked.</param>
    /// <param name="answer">What Stripe answered about it.</param>
    internal static Verdict? Apply(Order order, PaymentAnswer answer)
    {
        if (order.Revision != answer.Revision)
            return null;
        if (order.PaymentIntentId is { } own && own != answer.Payment.Id)
            return order.PaidAt is null ? Verdict.WaitsFor(order.Id, "payment_undecided") : new(EventState.Ignored, "other_payment", order.Id);
        if (PaymentFacts.Of(answer.Payment, order.Currency) is not { } facts)
            return new(EventState.Flagged, "currency_mismatch", order.Id);
        var warned = order.FraudWarningAt is null && facts.FraudWarnedAt is not null;
        var adjusted = order.RecordPaymentFacts(answer.Payment.Id, facts);
        var reason = adjusted ? null : warned ? "fraud_warned" : "known_already";
        return new(EventState.Applied, reason, order.Id) { Adjusted = adjusted && order.PaidAt is not null, FraudWarned = warned };
    }
}
