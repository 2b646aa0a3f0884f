using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary><c>/v1/disputes</c>: the customer's bank takes the money back, or asks first (an inquiry, <c>warning_*</c>).</summary>
internal static class Disputes
{
    private const int Fee = 1500;
    private const int EvidenceDays = 7;

    public static void MapDisputes(this IEndpointRouteBuilder app)
    {
        app.Get("/v1/disputes", request =>
        {
            var (charge, intent) = (request.Params.Optional("charge"), request.Params.Optional("payment_intent"));
            return ListPage.Of(request, "/v1/disputes", "dispute", dispute =>
                (charge is null || dispute.Text("charge") == charge) && (intent is null || dispute.TextOrNull("payment_intent") == intent),
                "charge", "payment_intent");
        });
        app.Get("/v1/disputes/{id}", request => Find(request));
        app.Post("/v1/disputes/{id}", request =>
        {
            request.Params.AllowOnly("evidence", "metadata", "submit", "expand");
            var dispute = request.Change.Edit(Find(request).Id());
            dispute["metadata"] = Metadata.From(request.Params["metadata"], dispute["metadata"]!.AsObject());
            foreach (var name in request.Params["evidence"]?.Names ?? [])
                dispute["evidence"]![name] = request.Params["evidence"]![name]!.Text;
            var submitted = request.Params.Choice("submit", "true", "false") != "false" && request.Params["evidence"] is not null;
            return submitted ? Submit(request.Change, dispute) : dispute;
        });
        app.Post("/v1/disputes/{id}/close", request =>
        {
            var status = Find(request).Text("status");
            return status is "needs_response" or "warning_needs_response"
                ? Close(request.Change, request.Id, status == "needs_response" ? "lost" : "warning_closed")
                : throw StripeException.Invalid("This dispute is already closed");
        });
    }

    /// <summary>Opens one on a charge. <paramref name="status"/> is <c>needs_response</c>, or <c>warning_needs_response</c> for an inquiry.</summary>
    public static JsonObject Open(StripeChange change, string chargeId, long? amount, string reason, string status)
    {
        var charge = change.Edit(chargeId);
        if (charge.Text("status") != "succeeded")
            throw StripeException.Invalid($"Charge {chargeId} has not been paid.");
        var inquiry = status == "warning_needs_response";
        var dispute = Template.Of("dispute");
        dispute["id"] = StripeId.New("du");
        dispute["amount"] = amount ?? charge.Number("amount");
        dispute["charge"] = chargeId;
        dispute["created"] = change.Now;
        dispute["currency"] = charge.Text("currency");
        dispute["evidence_details"]!["due_by"] = change.Now + (EvidenceDays * 86400);
        dispute["is_charge_refundable"] = inquiry;
        dispute["payment_intent"] = charge.TextOrNull("payment_intent");
        dispute["payment_method_details"]!["card"]!["case_type"] = inquiry ? "inquiry" : "chargeback";
        dispute["reason"] = reason;
        dispute["status"] = status;
        charge["disputed"] = true;
        change.Add(dispute);
        change.Emit("charge.updated", charge, new JsonObject { ["disputed"] = false });
        if (!inquiry)
            AddMoney(dispute, change, -1);
        change.Emit("charge.dispute.created", dispute);
        if (!inquiry)
            change.Emit("charge.dispute.funds_withdrawn", dispute);
        return dispute;
    }

    /// <summary>An inquiry becomes a chargeback.</summary>
    public static JsonObject Escalate(StripeChange change, string id)
    {
        var dispute = Require(change, id, "warning_needs_response", "warning_under_review");
        var previous = new JsonObject { ["status"] = dispute.Text("status"), ["is_charge_refundable"] = true };
        dispute["status"] = "needs_response";
        dispute["is_charge_refundable"] = false;
        dispute["payment_method_details"]!["card"]!["case_type"] = "chargeback";
        AddMoney(dispute, change, -1);
        change.Emit("charge.dispute.updated", dispute, previous);
        change.Emit("charge.dispute.funds_withdrawn", dispute);
        return dispute;
    }

    /// <summary>Ends it: <c>won</c> gives the money back, <c>lost</c> keeps it away, <c>warning_closed</c> and <c>prevented</c> never took it.</summary>
    public static JsonObject Close(StripeChange change, string id, string status)
    {
        var dispute = status is "won" or "lost"
            ? Require(change, id, "needs_response", "under_review")
            : Require(change, id, "warning_needs_response", "warning_under_review");
        var previous = new JsonObject { ["status"] = dispute.Text("status") };
        dispute["status"] = status;
        if (status == "won")
            AddMoney(dispute, change, 1);
        change.Emit("charge.dispute.closed", dispute, previous);
        if (status == "won")
            change.Emit("charge.dispute.funds_reinstated", dispute);
        return dispute;
    }

    /// <summary>Evidence goes to the bank.</summary>
    public static JsonObject Submit(StripeChange change, JsonObject dispute)
    {
        var previous = new JsonObject { ["status"] = dispute.Text("status") };
        dispute["status"] = dispute.Text("status") switch
        {
            "needs_response" => "under_review",
            "warning_needs_response" => "warning_under_review",
            _ => throw StripeException.Invalid("This dispute is already closed"),
        };
        dispute["evidence_details"]!["has_evidence"] = true;
        dispute["evidence_details"]!["submission_count"] = 1;
        change.Emit("charge.dispute.updated", dispute, previous);
        return dispute;
    }

    private static JsonObject Require(StripeChange change, string id, params ReadOnlySpan<string> statuses)
    {
        var dispute = change.Edit(id);
        return statuses.Contains(dispute.Text("status")) ? dispute
            : throw StripeException.Invalid($"Dispute {id} has a status of {dispute.Text("status")}, which does not allow this.");
    }

    /// <summary>The account pays the amount and a fee, or gets both back.</summary>
    private static void AddMoney(JsonObject dispute, StripeChange change, int sign)
    {
        var amount = sign * dispute.Number("amount");
        dispute["balance_transactions"]!.AsArray().Add(new JsonObject
        {
            ["id"] = StripeId.New("txn"),
            ["object"] = "balance_transaction",
            ["amount"] = amount,
            ["created"] = change.Now,
            ["currency"] = dispute.Text("currency"),
            ["description"] = $"Chargeback {(sign < 0 ? "withdrawal" : "reversal")} for {dispute.Text("charge")}",
            ["fee"] = -sign * Fee,
            ["net"] = amount + (sign * Fee),
            ["reporting_category"] = sign < 0 ? "dispute" : "dispute_reversal",
            ["source"] = dispute.Id(),
            ["status"] = "available",
            ["type"] = "adjustment",
        });
    }

    private static JsonObject Find(StripeRequest request) =>
        request.Change.Find(request.Id, "dispute") ?? throw StripeException.NoSuch("dispute", request.Id);
}
