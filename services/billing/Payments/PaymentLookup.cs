using HomeStage.Billing.Stripe;
using HomeStage.Billing.Webhooks;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Payments;

/// <summary>What Stripe answered about an order's payment.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="Revision">The order's revision before Stripe was asked.</param>
/// <param name="Heard">The events about the payment that waited before Stripe was asked: the answer includes what they tell.</param>
/// <param name="Payment">The answer.</param>
internal sealed record PaymentAnswer(Guid OrderId, long Revision, IReadOnlyList<string> Heard, Payment Payment);

/// <summary>
/// Asks Stripe about a payment, outside any transaction. The order's revision is read first: whoever then finds it changed holds an
/// answer that may be older than what was stored meanwhile, and asks again.
/// </summary>
internal sealed class PaymentLookup(IDbContextFactory<BillingDb> databases, IStripe stripe)
{
    /// <summary>The answer about the payment that an event's object names, or what becomes of the event without one.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked.</exception>
    internal async Task<(PaymentAnswer? Answer, Verdict? Verdict)> FindAsync(PaymentReference reference, CancellationToken cancellationToken)
    {
        var payment = reference.PaymentIntentId
            ?? (reference.ChargeId is { } charge ? await stripe.FindPaymentIdAsync(charge, cancellationToken) : null);
        if (payment is null)
            return (null, new(EventState.Ignored, "no_payment_named"));
        if (await OrderOfAsync(payment, cancellationToken) is not { } orderId)
            return (null, new(EventState.Ignored, "no_order_named"));
        return await FindAsync(orderId, payment, cancellationToken);
    }

    /// <summary>The answer about a payment of an order, or what becomes of an event about it without one.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked.</exception>
    internal async Task<(PaymentAnswer? Answer, Verdict? Verdict)> FindAsync(Guid orderId, string paymentIntentId, CancellationToken cancellationToken)
    {
        if (await ReadAsync(orderId, cancellationToken) is not var (revision, heard))
            return (null, Verdict.WaitsFor(orderId));
        // The order proves that there is such a payment: who does not know it is perhaps another account, whose key was set by mistake.
        return await stripe.FindPaymentAsync(paymentIntentId, cancellationToken) is { } payment
            ? (new(orderId, revision, heard, payment), null)
            : (null, Verdict.WaitsFor(orderId, "payment_unknown"));
    }

    /// <summary>The order that a payment was made for: ours by its payment, else the one that Stripe says.</summary>
    internal async Task<Guid?> OrderOfAsync(string paymentIntentId, CancellationToken cancellationToken)
    {
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (await db.Orders.Where(order => order.PaymentIntentId == paymentIntentId).Select(order => (Guid?)order.Id).FirstOrDefaultAsync(cancellationToken) is { } known)
                return known;
        }

        return await stripe.FindOrderIdAsync(paymentIntentId, cancellationToken);
    }

    private async Task<(long Revision, IReadOnlyList<string> Heard)?> ReadAsync(Guid orderId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var read = await db.Orders.Where(order => order.Id == orderId).Select(order => new
        {
            order.Revision,
            Heard = db.StripeEvents.Where(stored => stored.OrderId == orderId && stored.State == EventState.Waiting && stored.Reason == Verdict.ToBeFetched)
                .Select(stored => stored.Id).ToList(),
        }).AsSingleQuery().SingleOrDefaultAsync(cancellationToken);
        return read is null ? null : (read.Revision, read.Heard);
    }
}
