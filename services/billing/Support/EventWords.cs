using System.Globalization;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Webhooks;

namespace HomeStage.Billing.Support;

/// <summary>What became of an event, as a sentence for people; one for each reason that <c>stripe_events</c> can have.</summary>
internal static class EventWords
{
    /// <summary>How late an event may be before that is worth a word.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromMinutes(1);

    internal static string Tell(StoredEvent stored) => $"{Outcome(stored)}{Arrival(stored)}";

    internal static string AdviceOn(StoredEvent flagged, Order order, string look) => flagged.Reason switch
    {
        "amount_mismatch" =>
            $"The customer paid another amount or currency than was offered, so nothing was granted. Refund the payment at Stripe, and compare the plan's price at Stripe with the plans file; `{look}` shows the refund.",
        "paid_twice" => $"The customer paid twice. Refund the payment of event {flagged.Id} at Stripe, not {order.PaymentIntentId}; `{look}` shows that the credits stay.",
        "currency_mismatch" =>
            $"Money went back in another currency than the order's, which cannot be added up. Look at payment {order.PaymentIntentId} at Stripe and set the grant right by hand; `{look}` shows it.",
        _ => $"Event {flagged.Id} cannot be read. Compare it at Stripe with what is stored, then `./homestage support reconcile` and `{look}`.",
    };

    private static string Outcome(StoredEvent stored) => (stored.State, stored.Reason) switch
    {
        (EventState.Applied, null) when stored.Type.EndsWith(".expired", StringComparison.Ordinal) => "The page to pay on expired unpaid.",
        (EventState.Applied, null) when stored.Type.EndsWith("async_payment_failed", StringComparison.Ordinal) => "The bank refused the payment.",
        (EventState.Applied, null) when CheckoutEvents.Includes(stored.Type) => "The order was paid with it.",
        (EventState.Applied, null) => "Stripe was asked how the payment stands, and the order took it over.",
        (EventState.Applied, "fraud_warned") => "The card's issuer warned of fraud; the order is flagged and its credits stay.",
        (EventState.Applied, "not_paid_yet") => "The customer is done with the page, and the money is on its way.",
        (EventState.Applied, "known_already") => "It proved what was known already.",
        (EventState.Ignored, "other_session") => "It is about a page that the customer never got.",
        (EventState.Ignored, "other_payment") => "It is about a second payment, which was flagged as paid_twice; this order's credits do not depend on it.",
        (EventState.Ignored, "order_never_came" or "never_decided") => "What it needed did not come for 30 days.",
        (EventState.Waiting, "to_be_fetched") => "It waits for Stripe's answer about the payment.",
        (EventState.Waiting, "payment_unknown") => "It waits for Stripe to know the payment that it names: is our key that of the right account?",
        (EventState.Waiting, _) => "It waits for an order that is not there yet, or is not paid yet.",
        (EventState.Flagged, "amount_mismatch") => "Amount or currency is not what was offered: nothing was applied.",
        (EventState.Flagged, "paid_twice") => "It is a second payment of an order that is paid: nothing was applied.",
        (EventState.Flagged, "currency_mismatch") => "Money went back in another currency: nothing was applied.",
        (EventState.Flagged, _) => "Its content cannot be read: nothing was applied.",
        _ => $"It was left alone ({stored.Reason}).",
    };

    private static string Arrival(StoredEvent stored)
    {
        var late = stored.ReceivedAt - stored.CreatedAt;
        var when = late > Late ? $" {Math.Round(late.TotalMinutes).ToString(CultureInfo.InvariantCulture)} minutes after it happened" : "";
        return (stored.Source, when) switch
        {
            (EventSource.List, _) => $" No webhook brought it: it was found in Stripe's list{when}.",
            (_, "") => "",
            _ => $" It arrived{when}.",
        };
    }
}
