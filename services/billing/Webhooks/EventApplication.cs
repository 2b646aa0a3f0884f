using HomeStage.Billing.Orders;
using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Messaging;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>Decides about an event within the caller's transaction: finds and locks its order, adds the facts, and the messages that follow.</summary>
internal sealed partial class EventApplication(
    StripeSettings stripe, RestoreCodes codes, Outbox outbox, BillingMetrics metrics, ILogger<EventApplication> logger)
{
    /// <summary>The order that the event's payload may change, to be locked before it is applied.</summary>
    internal Guid? OrderOf(StripeEvent happened) =>
        happened.Livemode == stripe.Livemode && CheckoutEvents.Includes(happened.Type) ? happened.Session?.OrderId : null;

    /// <summary>Changes the context's order and outbox by what the event's payload alone proves; the caller saves and commits.</summary>
    /// <param name="db">A context whose transaction is open.</param>
    /// <param name="orders">The locked orders; <see cref="OrderOf"/> is among them if it exists.</param>
    /// <param name="happened">The event.</param>
    /// <param name="at">When it happened.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task<Verdict> ApplyAsync(
        BillingDb db, IReadOnlyDictionary<Guid, Order> orders, StripeEvent happened, DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (happened.Livemode != stripe.Livemode)
            return new(EventState.Ignored, "other_livemode");
        if (PaymentEvents.Includes(happened.Type))
            return await WaitForAnswerAsync(db, happened, cancellationToken);
        if (!CheckoutEvents.Includes(happened.Type))
            return new(EventState.Ignored, "type_not_used");
        if (happened.Session is not { } session)
            return new(EventState.Flagged, "object_unreadable");
        if (session.OrderId is not { } orderId)
            return new(EventState.Ignored, "no_order_named");
        if (!orders.TryGetValue(orderId, out var order))
            return Verdict.WaitsFor(orderId);

        var verdict = CheckoutEvents.Apply(order, happened.Type, session, at);
        if (verdict.PaidPlan is not null)
        {
            outbox.Add(db, OrderMessages.Completed(order, codes));
            // Money that is known to have gone back before the payment was.
            if (order.AmountReturned > 0 || order.DisputeOpen)
                outbox.Add(db, OrderMessages.Adjusted(order));
        }

        return verdict;
    }

    /// <summary>
    /// Changes the context's order and outbox by what Stripe answered about its payment; the caller saves and commits. Null if the order
    /// has changed since Stripe was asked: ask again.
    /// </summary>
    internal async Task<Verdict?> ApplyAsync(BillingDb db, PaymentAnswer answer, CancellationToken cancellationToken)
    {
        if (!(await db.LockOrdersAsync([answer.OrderId], cancellationToken)).TryGetValue(answer.OrderId, out var order))
            return Verdict.WaitsFor(answer.OrderId);
        var verdict = PaymentEvents.Apply(order, answer);
        if (verdict is { Adjusted: true })
            outbox.Add(db, OrderMessages.Adjusted(order));
        return verdict;
    }

    /// <summary>Tells what was committed.</summary>
    internal void Report(string eventId, string type, Verdict verdict)
    {
        metrics.EventReceived(type, verdict.State.ToString().ToLowerInvariant());
        if (verdict.State == EventState.Flagged)
        {
            metrics.PaymentAnomaly(verdict.Reason!);
            Log.Flagged(logger, eventId, type, verdict.OrderId, verdict.Reason!);
            return;
        }

        Log.Settled(logger, eventId, type, verdict.OrderId, verdict.State, verdict.Reason);
        ReportChange(verdict);
    }

    /// <summary>Tells what changed about an order, whatever made it known.</summary>
    internal void ReportChange(Verdict verdict)
    {
        if (verdict.Sends)
            outbox.Wake();
        if (verdict.PaidPlan is { } plan)
            metrics.PaymentRecorded(plan);
        if (verdict.Adjusted)
            metrics.PaymentAdjusted();
        if (!verdict.FraudWarned)
            return;
        metrics.FraudWarned();
        Log.FraudWarned(logger, verdict.OrderId);
    }

    /// <summary>Stored first: Stripe is asked outside any transaction, and an answer that it cannot give now is asked for again.</summary>
    private static async Task<Verdict> WaitForAnswerAsync(BillingDb db, StripeEvent happened, CancellationToken cancellationToken)
    {
        if (PaymentReference.Read(happened.Object) is not { } reference)
            return new(EventState.Flagged, "object_unreadable");
        var orderId = reference.PaymentIntentId is { } payment
            ? await db.Orders.Where(order => order.PaymentIntentId == payment).Select(order => (Guid?)order.Id).FirstOrDefaultAsync(cancellationToken)
            : null;
        return Verdict.AsksStripe(orderId);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Event {EventId} {Type} of order {OrderId} is {State} ({Reason})", EventName = "stripe_event")]
        public static partial void Settled(ILogger logger, string eventId, string type, Guid? orderId, EventState state, string? reason);

        [LoggerMessage(2, LogLevel.Error, "Event {EventId} {Type} contradicts order {OrderId}: {Reason}. Nothing was applied", EventName = "payment_anomaly")]
        public static partial void Flagged(ILogger logger, string eventId, string type, Guid? orderId, string reason);

        [LoggerMessage(3, LogLevel.Warning, "The issuer of the card that paid order {OrderId} warns of fraud", EventName = "fraud_warning")]
        public static partial void FraudWarned(ILogger logger, Guid? orderId);
    }
}
