using System.Globalization;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;

namespace HomeStage.Billing.Support;

/// <summary>A message about an order that the broker has not confirmed.</summary>
internal sealed record UnsentMessage(string MessageType, DateTimeOffset CreatedAt);

/// <summary>Tells support how an order came to stand as it does, and what to do next. Pure: everything it tells is passed in.</summary>
internal static class OrderExplainer
{
    /// <summary>By then a message, an event or a payment should have moved on.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromMinutes(1);

    /// <summary>By then most people have paid or gone away.</summary>
    private static readonly TimeSpan Patient = TimeSpan.FromMinutes(10);

    internal static OrderExplanation Explain(Order order, IReadOnlyList<StoredEvent> events, IReadOnlyList<UnsentMessage> unsent, DateTimeOffset now) => new()
    {
        Order = Summary(order),
        Steps = [.. StepsOf(order, events, unsent).OrderBy(step => step.At)],
        Advice = AdviceOn(order, events, unsent, now),
    };

    internal static SupportOrder Summary(Order order) => new()
    {
        OrderId = order.Id,
        AccountId = order.AccountId,
        Plan = order.Plan,
        Credits = order.Credits,
        ValidForDays = order.DurationDays,
        Amount = order.Amount,
        Currency = order.Currency,
        Status = order.Status.Word(),
        CreatedAt = order.CreatedAt,
        PaidAt = order.PaidAt,
        AmountReturned = order.AmountReturned,
        DisputeOpen = order.DisputeOpen,
        FraudWarning = order.FraudWarningAt is not null,
        Revision = order.Revision,
        SessionId = order.SessionId,
        PaymentIntentId = order.PaymentIntentId,
    };

    private static IEnumerable<OrderStep> StepsOf(Order order, IReadOnlyList<StoredEvent> events, IReadOnlyList<UnsentMessage> unsent)
    {
        yield return new()
        {
            At = order.CreatedAt,
            What = "placed",
            Detail = $"Account {order.AccountId} ordered plan {order.Plan}: {order.Credits} credits for {order.DurationDays} days at {Money(order.Amount, order)}.",
        };
        if (order.SessionId is not null)
        {
            yield return new()
            {
                // Rows of before it was noted have no time of their own.
                At = order.OfferedAt ?? order.CreatedAt,
                What = "offered",
                Detail = $"The customer got Stripe's page to pay on{(order.SessionExpiresAt is { } end ? $", open until {Time(end)}" : "")}.",
                Reference = order.SessionId,
            };
        }

        foreach (var stored in events)
            yield return new() { At = stored.CreatedAt, What = stored.Type, Detail = EventWords.Tell(stored), Reference = stored.Id };
        var paid = events.FirstOrDefault(stored => CheckoutEvents.Includes(stored.Type) && Changed(stored));
        // What was known before the payment is part of what was sent with it.
        foreach (var stored in events.Where(stored => paid is not null && Changed(stored) && stored.SettledAt >= paid.SettledAt))
            yield return Sent(order, stored, unsent);
        if (order is { PaidAt: null, FailedAt: null, ExpiredAt: { } expired, SessionId: null })
            yield return new() { At = expired, What = "expired", Detail = "It never got a page to pay on, and the request that placed it can no longer be repeated." };
    }

    /// <summary>Whether the event changed what entitlements has to know.</summary>
    private static bool Changed(StoredEvent stored) =>
        stored is { State: EventState.Applied, Reason: null, Type: not ("checkout.session.expired" or "checkout.session.async_payment_failed") };

    private static OrderStep Sent(Order order, StoredEvent stored, IReadOnlyList<UnsentMessage> unsent)
    {
        var message = CheckoutEvents.Includes(stored.Type) ? nameof(PaymentCompleted) : nameof(PaymentAdjusted);
        var waits = unsent.FirstOrDefault(row => row.MessageType == message);
        return new()
        {
            At = stored.SettledAt ?? stored.ReceivedAt,
            What = message == nameof(PaymentCompleted) ? "payment_sent" : "adjustment_sent",
            Detail = waits is null
                ? $"{message} was written with it and the broker has confirmed it: entitlements has it, or it is in a queue to entitlements."
                : $"{message} was written with it and waits for the broker since {Time(waits.CreatedAt)}: entitlements does not know of it yet.",
            Reference = order.Id.ToString(),
        };
    }

    private static string? AdviceOn(Order order, IReadOnlyList<StoredEvent> events, IReadOnlyList<UnsentMessage> unsent, DateTimeOffset now)
    {
        var look = $"./homestage support order {order.Id}";
        if (events.FirstOrDefault(stored => stored.State == EventState.Flagged) is { } flagged)
            return EventWords.AdviceOn(flagged, order, look);
        if (unsent.Any(message => now - message.CreatedAt > Slow))
            return $"A message to entitlements waits for the broker. Once RabbitMQ runs it is sent by itself: look again with `{look}`, and for messages that were refused with `./homestage support dead-letters`.";
        if (events.Any(stored => stored.State == EventState.Waiting && now - stored.ReceivedAt > Slow))
            return $"An event waits to be applied. `./homestage support reconcile` tries it now; then look again with `{look}`.";
        if (order.FraudWarningAt is not null && order is { PaidAt: not null, AmountReturned: 0, DisputeOpen: false })
            return $"The card's issuer warns of fraud. Refund payment {order.PaymentIntentId} at Stripe before it becomes a dispute, or leave it if the customer is known; `{look}` shows what came of it.";
        if (order.DisputeOpen)
            return $"The customer's bank disputes the payment and the credits are frozen. Answer it at Stripe (payment {order.PaymentIntentId}); `{look}` shows the outcome.";
        if (order.Status == OrderStatus.Pending && now - order.CreatedAt > Patient)
            return $"No payment has arrived. If the customer says that it was paid, `./homestage support reconcile` asks Stripe for what is missing; then look again with `{look}`.";
        return null;
    }

    private static string Money(long minor, Order order) => $"{minor.ToString(CultureInfo.InvariantCulture)} {order.Currency} (minor units)";

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("u", CultureInfo.InvariantCulture);
}
