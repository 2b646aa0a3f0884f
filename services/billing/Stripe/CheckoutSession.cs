using System.Text.Json;

namespace HomeStage.Billing.Stripe;

/// <summary>What billing reads of a Checkout Session. Fields that it does not know are none of its business.</summary>
internal sealed record CheckoutSession
{
    public required string Id { get; init; }

    /// <summary><c>open</c>, <c>complete</c> or <c>expired</c>.</summary>
    public string? Status { get; init; }

    /// <summary>Where it is paid; null once it is complete or expired.</summary>
    public string? Url { get; init; }

    /// <summary><c>paid</c>, <c>unpaid</c> or <c>no_payment_required</c>.</summary>
    public string? PaymentStatus { get; init; }

    /// <summary>In the currency's minor unit.</summary>
    public long? AmountTotal { get; init; }

    public string? Currency { get; init; }

    public string? PaymentIntentId { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The order that it was created for; null if it was not created here.</summary>
    public Guid? OrderId { get; init; }

    public bool IsPaid => PaymentStatus is "paid" or "no_payment_required";

    /// <summary>Reads one; null if it is something else.</summary>
    internal static CheckoutSession? Read(JsonElement json)
    {
        if (json.Text("object") != "checkout.session" || json.Text("id") is not { Length: > 0 } id)
            return null;
        return new CheckoutSession
        {
            Id = id,
            Status = json.Text("status"),
            Url = json.Text("url"),
            PaymentStatus = json.Text("payment_status"),
            AmountTotal = json.Number("amount_total"),
            Currency = json.Text("currency"),
            PaymentIntentId = PaymentReference.PaymentIntentOf(json),
            CreatedAt = json.Time("created"),
            ExpiresAt = json.Time("expires_at"),
            // The reference is a fallback: on a payment link, unlike metadata, the customer could choose it.
            OrderId = Guid.TryParse(json.Member("metadata")?.Text("order_id") ?? json.Text("client_reference_id"), out var order) ? order : null,
        };
    }
}
