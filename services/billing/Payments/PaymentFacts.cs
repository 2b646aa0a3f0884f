using HomeStage.Billing.Stripe;

namespace HomeStage.Billing.Payments;

/// <summary>What is known of money that went back, or may.</summary>
/// <param name="Refunded">Refunds that are on their way or arrived, in the currency's minor unit.</param>
/// <param name="Lost">What lost disputes took back, in the currency's minor unit.</param>
/// <param name="DisputeOpen">Whether a dispute that took the money is undecided.</param>
/// <param name="FraudWarnedAt">When the card's issuer first warned of fraud.</param>
internal sealed record PaymentFacts(long Refunded, long Lost, bool DisputeOpen, DateTimeOffset? FraudWarnedAt)
{
    /// <summary>
    /// The facts that follow from Stripe's answer; null if money went back in another currency than the order's, which nobody can add up.
    /// Statuses are those of Stripe's API reference. A refund counts unless it <c>failed</c> or was <c>canceled</c>, also while it has none; a
    /// dispute is open while it needs a response or is under review. Inquiries (<c>warning_*</c>) and <c>prevented</c> disputes never took money,
    /// <c>won</c> ones gave it back.
    /// </summary>
    internal static PaymentFacts? Of(Payment payment, string currency)
    {
        var refunds = payment.Refunds.Where(refund => refund.Status is not ("failed" or "canceled")).ToList();
        var lost = payment.Disputes.Where(dispute => dispute.Status == "lost").ToList();
        if (refunds.Concat(lost).Any(back => !string.Equals(back.Currency, currency, StringComparison.OrdinalIgnoreCase)))
            return null;
        return new PaymentFacts(
            refunds.Sum(refund => refund.Amount),
            lost.Sum(dispute => dispute.Amount),
            payment.Disputes.Any(dispute => dispute.Status is "needs_response" or "under_review"),
            payment.FraudWarnedAt);
    }
}
