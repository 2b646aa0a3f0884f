using System.Text.Json.Nodes;

namespace HomeStage.Billing.Tests.Support;

/// <summary>The objects of an account at Stripe, and its lists: newest first, in pages, filtered as billing filters them.</summary>
internal sealed class FakeStripeAccount
{
    private static readonly Dictionary<string, string> KindByRoute = new(StringComparer.Ordinal)
    {
        ["/v1/checkout/sessions"] = "checkout.session",
        ["/v1/payment_intents"] = "payment_intent",
        ["/v1/charges"] = "charge",
        ["/v1/refunds"] = "refund",
        ["/v1/disputes"] = "dispute",
        ["/v1/radar/early_fraud_warnings"] = "radar.early_fraud_warning",
        ["/v1/events"] = "event",
    };

    private readonly Lock _lock = new();
    private readonly List<JsonObject> _objects = [];

    /// <summary>Adds an object.</summary>
    public JsonObject Keep(JsonObject json)
    {
        lock (_lock)
            _objects.Add(json);
        return json;
    }

    /// <summary>Puts an object in the place of the one with the same id.</summary>
    public void Replace(JsonObject json)
    {
        lock (_lock)
            _objects[_objects.FindIndex(kept => (string?)kept["id"] == (string?)json["id"])] = json;
    }

    /// <summary>Changes an object.</summary>
    public void Set(JsonObject json, string name, JsonNode? value)
    {
        lock (_lock)
            json[name] = value;
    }

    /// <summary>The payment of an order, with what links them: all of it, or none.</summary>
    public string Pay(PlacedOrder order, bool named = true)
    {
        var intent = Fixture.Read("payment_intent");
        intent["id"] = order.PaymentIntentId;
        intent["metadata"] = named ? new JsonObject { ["order_id"] = order.Id.ToString() } : [];
        Keep(intent);
        var charge = Fixture.Read("charge");
        charge["id"] = order.ChargeId;
        charge["payment_intent"] = order.PaymentIntentId;
        Keep(charge);
        return order.PaymentIntentId;
    }

    public JsonObject Refund(PlacedOrder order, long amount, string status = "succeeded", string currency = "usd") =>
        Keep(MoneyBack("refund", "re_", order, amount, status, currency));

    public JsonObject Dispute(PlacedOrder order, string status = "needs_response", long amount = 2500) =>
        Keep(MoneyBack("dispute", "du_", order, amount, status, "usd"));

    /// <summary>Without the payment, as Stripe's published fixture has it: only the charge leads there.</summary>
    public JsonObject Warning(PlacedOrder order, DateTimeOffset at)
    {
        var warning = Fixture.Read("radar.early_fraud_warning");
        warning["id"] = "issfr_" + Guid.NewGuid().ToString("N");
        warning["charge"] = order.ChargeId;
        warning["created"] = at.ToUnixTimeSeconds();
        return Keep(warning);
    }

    /// <summary>What Stripe answers to a GET; null where it knows no such object.</summary>
    public JsonObject? Read(string path, Dictionary<string, string> query)
    {
        lock (_lock)
        {
            if (KindByRoute.TryGetValue(path, out var kind))
                return List(kind, query);
            var cut = path.LastIndexOf('/');
            return _objects.Find(json => (string?)json["id"] == path[(cut + 1)..] && (string?)json["object"] == KindByRoute[path[..cut]])?.DeepClone().AsObject();
        }
    }

    private JsonObject List(string kind, Dictionary<string, string> query)
    {
        var matching = _objects.Where(json => (string?)json["object"] == kind && Matches(json, query)).Reverse().ToList();
        if (query.TryGetValue("starting_after", out var after))
            matching = matching[(matching.FindIndex(json => (string?)json["id"] == after) + 1)..];
        var limit = int.Parse(query["limit"]);
        return new JsonObject
        {
            ["object"] = "list",
            ["data"] = new JsonArray([.. matching.Take(limit).Select(json => json.DeepClone())]),
            ["has_more"] = matching.Count > limit,
        };
    }

    private bool Matches(JsonObject json, Dictionary<string, string> query)
    {
        var types = query.Where(field => field.Key.StartsWith("types[", StringComparison.Ordinal)).Select(field => field.Value).ToList();
        return (!query.TryGetValue("payment_intent", out var payment) || PaymentOf(json) == payment)
            && (!query.TryGetValue("created[gte]", out var since) || (long)json["created"]! >= long.Parse(since))
            && (!query.TryGetValue("customer_details[email]", out var email) || (string?)json["customer_details"]?["email"] == email)
            && (types.Count == 0 || types.Contains((string)json["type"]!));
    }

    private string? PaymentOf(JsonObject json) => (string?)json["payment_intent"]
        ?? (string?)_objects.Find(charge => (string?)charge["object"] == "charge" && (string?)charge["id"] == (string?)json["charge"])?["payment_intent"];

    private static JsonObject MoneyBack(string fixture, string prefix, PlacedOrder order, long amount, string status, string currency)
    {
        var json = Fixture.Read(fixture);
        json["id"] = prefix + Guid.NewGuid().ToString("N");
        json["payment_intent"] = order.PaymentIntentId;
        json["charge"] = order.ChargeId;
        json["amount"] = amount;
        json["currency"] = currency;
        json["status"] = status;
        return json;
    }
}
