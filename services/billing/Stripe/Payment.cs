using System.Text.Json;

namespace HomeStage.Billing.Stripe;

/// <summary>What Stripe answers about a payment and what became of its money.</summary>
/// <param name="Id">The payment intent, <c>pi_…</c>.</param>
/// <param name="Refunds">All of them, whatever became of them.</param>
/// <param name="Disputes">All of them, inquiries too.</param>
/// <param name="FraudWarnedAt">When the card's issuer first warned of fraud.</param>
internal sealed record Payment(string Id, IReadOnlyList<MoneyBack> Refunds, IReadOnlyList<MoneyBack> Disputes, DateTimeOffset? FraudWarnedAt)
{
    /// <summary>Reads one; null if an amount, a currency or the status of a dispute cannot be read. Stripe leaves the status of some refunds open.</summary>
    internal static Payment? Read(string id, IReadOnlyList<JsonElement> refunds, IReadOnlyList<JsonElement> disputes, IReadOnlyList<JsonElement> warnings)
    {
        var (returned, disputed) = (refunds.Select(MoneyBack.Read).ToList(), disputes.Select(MoneyBack.Read).ToList());
        return returned.Contains(null) || disputed.Exists(dispute => dispute?.Status is null)
            ? null
            : new Payment(id, [.. returned.OfType<MoneyBack>()], [.. disputed.OfType<MoneyBack>()], warnings.Min(warning => warning.Time("created")));
    }
}

/// <summary>A refund or a dispute.</summary>
/// <param name="Amount">In the currency's minor unit.</param>
/// <param name="Currency">ISO 4217 in lower case.</param>
/// <param name="Status">In Stripe's words; null where it says none.</param>
internal sealed record MoneyBack(long Amount, string Currency, string? Status)
{
    internal static MoneyBack? Read(JsonElement json) =>
        json.Number("amount") is { } amount && json.Text("currency") is { } currency ? new MoneyBack(amount, currency, json.Text("status")) : null;
}

/// <summary>Which payment an object around it names.</summary>
/// <param name="PaymentIntentId"><c>pi_…</c>; null if the object says only its charge.</param>
/// <param name="ChargeId"><c>ch_…</c> of an object that is not itself a charge.</param>
internal sealed record PaymentReference(string? PaymentIntentId, string? ChargeId)
{
    /// <summary>Reads the reference of a refund, charge, dispute or early fraud warning; null if it is no object.</summary>
    internal static PaymentReference? Read(JsonElement json) => json.ValueKind == JsonValueKind.Object
        ? new(PaymentIntentOf(json), IdOf(json, "charge"))
        : null;

    internal static string? PaymentIntentOf(JsonElement json) => IdOf(json, "payment_intent");

    /// <summary>An id, or the whole object where it was expanded.</summary>
    private static string? IdOf(JsonElement json, string name) => json.Text(name) ?? json.Member(name)?.Text("id");
}
