using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary>What the customer does at the checkout page, and what then happens to payment intent, charge and session, with its events.</summary>
internal static class Payment
{
    /// <summary>The card is charged at once.</summary>
    public static void Pay(string sessionId, StripeChange change)
    {
        var intent = Intent(sessionId, change);
        Succeed(intent, AddCharge(intent, change), change);
        Complete(sessionId, "paid", change);
        Settle(intent, change);
    }

    /// <summary>A bank debit: the session is complete, the money comes days later or never.</summary>
    public static void PayLater(string sessionId, StripeChange change)
    {
        var intent = Intent(sessionId, change);
        var charge = AddCharge(intent, change);
        charge["status"] = "pending";
        charge["paid"] = false;
        intent["status"] = "processing";
        change.Emit("payment_intent.processing", intent);
        change.Emit("charge.pending", charge);
        Complete(sessionId, "unpaid", change);
    }

    /// <summary>The card is refused; the session stays open for another try.</summary>
    public static void Decline(string sessionId, StripeChange change)
    {
        var intent = Intent(sessionId, change);
        Fail(intent, AddCharge(intent, change), "card_declined", "Your card was declined.", change);
    }

    /// <summary>The end of <see cref="PayLater"/>.</summary>
    public static void Arrive(string sessionId, bool success, StripeChange change)
    {
        var session = change.Edit(sessionId);
        if (session.Text("status") != "complete" || session.Text("payment_status") != "unpaid")
            throw StripeException.Invalid($"The session {sessionId} does not wait for a payment.");
        var intent = change.Edit(session.Text("payment_intent"));
        var charge = change.Edit(intent.Text("latest_charge"));
        if (intent.Text("status") != "processing")
            throw StripeException.Invalid($"The payment of {sessionId} has already failed.");
        if (success)
        {
            Succeed(intent, charge, change);
            session["payment_status"] = "paid";
            change.Emit("checkout.session.async_payment_succeeded", session);
            Settle(intent, change);
        }
        else
        {
            Fail(intent, charge, "debit_not_authorized", "The customer's bank refused the debit.", change);
            change.Emit("checkout.session.async_payment_failed", session);
        }
    }

    /// <summary>The session's payment intent; Stripe makes it at the first try to pay.</summary>
    private static JsonObject Intent(string sessionId, StripeChange change)
    {
        var session = change.Edit(sessionId);
        if (session.Text("status") != "open")
            throw StripeException.Invalid($"This Checkout Session has a status of `{session.Text("status")}`.");
        if (session.TextOrNull("payment_intent") is { } existing)
            return change.Edit(existing);
        var data = change.Find($"{sessionId}/line_items")!["payment_intent_data"]!.AsObject();
        var intent = Template.Of("payment_intent");
        var id = StripeId.OfPayment("pi");
        intent["id"] = id;
        intent["amount"] = session.Number("amount_total");
        intent["client_secret"] = StripeId.Secret(id);
        intent["created"] = change.Now;
        intent["currency"] = session.Text("currency");
        foreach (var (name, value) in data)
            intent[name] = value?.DeepClone();
        session["payment_intent"] = id;
        change.Add(intent);
        change.Emit("payment_intent.created", intent);
        return intent;
    }

    private static JsonObject AddCharge(JsonObject intent, StripeChange change)
    {
        var charge = Template.Of("charge");
        charge["id"] = StripeId.OfPayment("ch");
        charge["amount"] = intent.Number("amount");
        charge["created"] = change.Now;
        charge["currency"] = intent.Text("currency");
        foreach (var name in new[] { "description", "metadata", "receipt_email", "statement_descriptor_suffix" })
            charge[name] = intent[name]?.DeepClone();
        charge["payment_intent"] = intent.Id();
        charge["payment_method"] = StripeId.New("pm");
        charge["payment_method_details"]!["card"]!["amount_authorized"] = intent.Number("amount");
        charge["payment_method_details"]!["card"]!["overcapture"]!["maximum_amount_capturable"] = intent.Number("amount");
        intent["latest_charge"] = charge.Id();
        intent["payment_method"] = charge.Text("payment_method");
        return change.Add(charge);
    }

    private static void Succeed(JsonObject intent, JsonObject charge, StripeChange change)
    {
        charge["status"] = "succeeded";
        charge["paid"] = true;
        charge["amount_captured"] = charge.Number("amount");
        charge["receipt_url"] = new Uri(change.Url, $"/receipts/{charge.Id()}").ToString();
        intent["status"] = "succeeded";
        intent["amount_received"] = intent.Number("amount");
        intent["last_payment_error"] = null;
        change.Emit("charge.succeeded", charge);
        change.Emit("payment_intent.succeeded", intent);
    }

    private static void Fail(JsonObject intent, JsonObject charge, string code, string message, StripeChange change)
    {
        charge["status"] = "failed";
        charge["paid"] = false;
        charge["captured"] = false;
        charge["failure_code"] = code;
        charge["failure_message"] = message;
        charge["outcome"]!["network_status"] = "declined_by_network";
        charge["outcome"]!["type"] = "issuer_declined";
        charge["outcome"]!["seller_message"] = "The bank did not return any further details with this decline.";
        intent["status"] = "requires_payment_method";
        intent["last_payment_error"] = new JsonObject
        {
            ["charge"] = charge.Id(),
            ["code"] = code,
            ["message"] = message,
            ["type"] = "card_error",
        };
        change.Emit("charge.failed", charge);
        change.Emit("payment_intent.payment_failed", intent);
    }

    private static void Complete(string sessionId, string paymentStatus, StripeChange change)
    {
        var session = change.Edit(sessionId);
        session["status"] = "complete";
        session["payment_status"] = paymentStatus;
        session["url"] = null;
        session["customer_details"] = new JsonObject
        {
            ["address"] = new JsonObject { ["city"] = null, ["country"] = "US", ["line1"] = null, ["line2"] = null, ["postal_code"] = "94016", ["state"] = null },
            ["business_name"] = null,
            ["email"] = session.TextOrNull("customer_email") ?? "jenny.rosen@example.com",
            ["individual_name"] = null,
            ["name"] = "Jenny Rosen",
            ["phone"] = null,
            ["tax_exempt"] = "none",
            ["tax_ids"] = new JsonArray(),
        };
        change.Emit("checkout.session.completed", session);
    }

    /// <summary>The money's entry in the balance comes a moment after the payment.</summary>
    private static void Settle(JsonObject intent, StripeChange change)
    {
        var charge = change.Edit(intent.Text("latest_charge"));
        charge["balance_transaction"] = StripeId.OfPayment("txn");
        change.Emit("charge.updated", charge, new JsonObject { ["balance_transaction"] = null });
    }
}
