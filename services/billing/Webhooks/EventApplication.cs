using HomeStage.Billing.Orders;
using HomeStage.Billing.Stripe;
using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;

namespace HomeStage.Billing.Webhooks;

/// <summary>Decides about an event within the caller's transaction: finds and locks its order, adds the facts, and the message that follows.</summary>
internal sealed partial class EventApplication(StripeSettings stripe, Outbox outbox, BillingMetrics metrics, ILogger<EventApplication> logger)
{
    /// <summary>Changes the context's order and outbox; the caller saves and commits.</summary>
    /// <param name="db">A context whose transaction is open.</param>
    /// <param name="happened">The event.</param>
    /// <param name="at">When it happened.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async Task<Verdict> ApplyAsync(BillingDb db, StripeEvent happened, DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (happened.Livemode != stripe.Livemode)
            return new(EventState.Ignored, "other_livemode");
        if (!CheckoutEvents.Includes(happened.Type))
            return new(EventState.Ignored, "type_not_used");
        if (CheckoutSession.Read(happened.Object) is not { } session)
            return new(EventState.Flagged, "object_unreadable");
        if (session.OrderId is not { } orderId)
            return new(EventState.Ignored, "no_order_named");
        if (await db.LockOrderAsync(orderId, cancellationToken) is not { } order)
            return new(EventState.Waiting, "order_unknown", orderId);

        var verdict = CheckoutEvents.Apply(order, happened.Type, session, at);
        if (verdict.PaidPlan is not null)
            outbox.Add(db, MessageOf(order));
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
        if (verdict.PaidPlan is { } plan)
        {
            outbox.Wake();
            metrics.PaymentRecorded(plan);
        }
    }

    private static PaymentCompleted MessageOf(Order order) => new()
    {
        OrderId = order.Id,
        AccountId = order.AccountId,
        Plan = order.Plan,
        Credits = order.Credits,
        ValidForDays = order.DurationDays,
        PaidAt = order.PaidAt!.Value,
        Amount = order.AmountPaid!.Value,
        Currency = order.Currency,
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Event {EventId} {Type} of order {OrderId} is {State} ({Reason})", EventName = "stripe_event")]
        public static partial void Settled(ILogger logger, string eventId, string type, Guid? orderId, EventState state, string? reason);

        [LoggerMessage(2, LogLevel.Error, "Event {EventId} {Type} contradicts order {OrderId}: {Reason}. Nothing was applied", EventName = "payment_anomaly")]
        public static partial void Flagged(ILogger logger, string eventId, string type, Guid? orderId, string reason);
    }
}
