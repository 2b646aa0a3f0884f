using System.Text.Json.Nodes;

namespace HomeStage.Billing.Tests.Support;

/// <summary>Stripe's published objects, and events made of them.</summary>
internal static class Fixture
{
    public static readonly string[] All = ["event", "checkout.session", "refund", "dispute", "charge", "payment_intent", "radar.early_fraud_warning"];

    public static JsonObject Read(string name)
    {
        using var stream = typeof(Fixture).Assembly.GetManifestResourceStream(name + ".json")!;
        return JsonNode.Parse(stream)!.AsObject();
    }

    /// <summary>An event of a type, about an object.</summary>
    public static JsonObject Event(string type, JsonObject subject, DateTimeOffset? created = null)
    {
        var happened = Read("event");
        happened["id"] = "evt_" + Guid.NewGuid().ToString("N");
        happened["type"] = type;
        happened["created"] = (created ?? DateTimeOffset.UtcNow).ToUnixTimeSeconds();
        happened["api_version"] = "2026-07-29.dahlia";
        happened["data"] = new JsonObject { ["object"] = subject.DeepClone() };
        return happened;
    }

    /// <summary>The session of a <c>value</c> plan's order.</summary>
    public static JsonObject Session(Guid orderId, string? sessionId = null, string paymentStatus = "paid", long amount = 2500, string currency = "usd")
    {
        var session = Read("checkout.session");
        session["id"] = sessionId ?? "cs_test_" + orderId.ToString("N");
        session["client_reference_id"] = orderId.ToString();
        session["metadata"] = new JsonObject { ["order_id"] = orderId.ToString() };
        session["amount_total"] = amount;
        session["currency"] = currency;
        session["payment_status"] = paymentStatus;
        session["payment_intent"] = "pi_" + orderId.ToString("N");
        session["url"] = null;
        return session;
    }
}
