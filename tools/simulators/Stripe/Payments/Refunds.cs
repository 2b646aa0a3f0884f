using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary><c>/v1/refunds</c>.</summary>
internal static class Refunds
{
    public static void MapRefunds(this IEndpointRouteBuilder app)
    {
        app.Post("/v1/refunds", request =>
        {
            var parameters = request.Params;
            parameters.AllowOnly("amount", "charge", "currency", "customer", "expand", "instructions_email", "metadata", "origin", "payment_intent",
                "reason", "refund_application_fee", "reverse_transfer");
            var of = (parameters.Optional("charge"), parameters.Optional("payment_intent")) switch
            {
                ({ } charge, _) => request.Change.Find(charge, "charge")?.Id() ?? throw StripeException.NoSuch("charge", charge, "charge"),
                (null, { } intent) => request.Change.Find(intent, "payment_intent")?.Id() ?? throw StripeException.NoSuch("payment_intent", intent, "payment_intent"),
                _ => throw StripeException.Invalid("One of the following params should be provided for this request: payment_intent or charge."),
            };
            var reason = parameters.Choice("reason", "duplicate", "fraudulent", "requested_by_customer");
            return Create(request.Change, of, parameters.Integer("amount"), reason, Metadata.From(parameters["metadata"]), "succeeded");
        });
        app.Get("/v1/refunds", request =>
        {
            var (charge, intent) = (request.Params.Optional("charge"), request.Params.Optional("payment_intent"));
            return ListPage.Of(request, "/v1/refunds", "refund", refund =>
                (charge is null || refund.TextOrNull("charge") == charge) && (intent is null || refund.TextOrNull("payment_intent") == intent),
                "charge", "payment_intent");
        });
        app.Get("/v1/refunds/{id}", request => Find(request));
        app.Post("/v1/refunds/{id}", request =>
        {
            request.Params.AllowOnly("metadata", "expand");
            var refund = request.Change.Edit(Find(request).Id());
            refund["metadata"] = Metadata.From(request.Params["metadata"], refund["metadata"]!.AsObject());
            return refund;
        });
        app.Post("/v1/refunds/{id}/cancel", request =>
        {
            var status = Find(request).Text("status");
            if (status != "requires_action")
                throw StripeException.Invalid($"Refund {request.Id} has a status of {status}; only refunds with a status of requires_action can be canceled.");
            return Settle(request.Change, request.Id, "canceled");
        });
    }

    /// <summary>Gives money back, as the API and the dashboard do. The charge counts it while it is pending, too.</summary>
    public static JsonObject Create(StripeChange change, string of, long? amount, string? reason, JsonObject metadata, string status)
    {
        var charge = change.Edit(PaymentEndpoints.ChargeOf(of, change) ?? throw StripeException.Invalid($"{of} does not have a successful charge to refund.", "payment_intent"));
        if (charge.Text("status") != "succeeded")
            throw StripeException.Invalid($"This PaymentIntent ({charge.TextOrNull("payment_intent")}) does not have a successful charge to refund.", "payment_intent");
        var left = charge.Number("amount") - charge.Number("amount_refunded");
        if (left == 0)
            throw StripeException.Invalid($"Charge {charge.Id()} has already been refunded.", code: "charge_already_refunded");
        if (change.Newest("dispute").Any(dispute => dispute.Text("charge") == charge.Id() && !dispute.Flag("is_charge_refundable")))
            throw StripeException.Invalid($"Charge {charge.Id()} has been charged back; cannot issue a refund.", code: "charge_disputed");
        var returned = amount ?? left;
        if (returned < 1)
            throw StripeException.Invalid("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer");
        if (returned > left)
            throw StripeException.Invalid($"Refund amount (${returned / 100m:0.00}) is greater than unrefunded amount on charge (${left / 100m:0.00})", "amount");

        var refund = Template.Of("refund");
        refund["id"] = StripeId.OfPayment("re");
        refund["amount"] = returned;
        refund["balance_transaction"] = StripeId.OfPayment("txn");
        refund["charge"] = charge.Id();
        refund["created"] = change.Now;
        refund["currency"] = charge.Text("currency");
        refund["metadata"] = metadata;
        refund["payment_intent"] = charge.TextOrNull("payment_intent");
        refund["reason"] = reason;
        refund["status"] = status;
        change.Add(refund);
        change.Emit("refund.created", refund);
        ChangeReturned(change, charge, returned);
        return refund;
    }

    /// <summary>A pending refund ends; one that fails or is canceled gives the money back to the account.</summary>
    public static JsonObject Settle(StripeChange change, string id, string status)
    {
        var refund = change.Edit(id);
        var previous = new JsonObject { ["status"] = refund.Text("status") };
        if (refund.Text("status") is "failed" or "canceled")
            throw StripeException.Invalid($"Refund {id} has already ended: {refund.Text("status")}.");
        refund["status"] = status;
        if (status == "failed")
        {
            refund["failure_reason"] = "expired_or_canceled_card";
            refund["failure_balance_transaction"] = StripeId.OfPayment("txn");
        }
        if (status is "failed" or "canceled")
        {
            var charge = change.Edit(refund.Text("charge"));
            charge["amount_refunded"] = charge.Number("amount_refunded") - refund.Number("amount");
            charge["refunded"] = false;
            change.Emit("charge.updated", charge);
        }
        change.Emit("refund.updated", refund, previous);
        change.Emit("charge.refund.updated", refund, previous);
        if (status == "failed")
            change.Emit("refund.failed", refund);
        return refund;
    }

    private static void ChangeReturned(StripeChange change, JsonObject charge, long returned)
    {
        var previous = new JsonObject { ["amount_refunded"] = charge.Number("amount_refunded"), ["refunded"] = charge.Flag("refunded") };
        charge["amount_refunded"] = charge.Number("amount_refunded") + returned;
        charge["refunded"] = charge.Number("amount_refunded") == charge.Number("amount");
        change.Emit("charge.refunded", charge, previous);
    }

    private static JsonObject Find(StripeRequest request) =>
        request.Change.Find(request.Id, "refund") ?? throw StripeException.NoSuch("refund", request.Id);
}
