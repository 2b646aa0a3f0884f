using System.Text.Json.Nodes;
using HomeStage.Billing.Orders;

namespace HomeStage.Billing.Checkout;

/// <summary>Where customers come back to.</summary>
internal sealed record PublicUrl(string Base);

/// <summary>
/// What Stripe is asked for. It depends on the order's unchangeable part alone, so that a repetition after a crash is the same request.
/// </summary>
internal static class CheckoutSessionForm
{
    /// <summary>Stripe's idempotency key for an attempt at an order's session: under it Stripe repeats what it once answered, also an error.</summary>
    internal static string KeyOf(Order order) => $"checkout-{order.Id}-{order.CheckoutAttempt}";

    internal static JsonObject Of(Order order, PublicUrl publicUrl) => new()
    {
        ["mode"] = "payment",
        ["client_reference_id"] = order.Id.ToString(),
        ["metadata"] = new JsonObject { ["order_id"] = order.Id.ToString() },
        ["payment_intent_data"] = new JsonObject { ["metadata"] = new JsonObject { ["order_id"] = order.Id.ToString() } },
        ["line_items"] = new JsonArray(LineItem(order)),
        ["success_url"] = $"{publicUrl.Base}/?order={order.Id}&checkout=success",
        ["cancel_url"] = $"{publicUrl.Base}/?order={order.Id}&checkout=canceled",
    };

    private static JsonObject LineItem(Order order) => order.StripePriceId is { } price
        ? new() { ["price"] = price, ["quantity"] = 1 }
        : new()
        {
            ["price_data"] = new JsonObject
            {
                ["currency"] = order.Currency,
                ["unit_amount"] = order.Amount,
                ["product_data"] = new JsonObject { ["name"] = $"HomeStage {order.PlanName}: {order.Credits} credits" },
            },
            ["quantity"] = 1,
        };
}
