using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary><c>/v1/radar/early_fraud_warnings</c>: the card's bank suspects fraud before anyone disputes.</summary>
internal static class EarlyFraudWarnings
{
    public static void MapEarlyFraudWarnings(this IEndpointRouteBuilder app)
    {
        app.Get("/v1/radar/early_fraud_warnings", request =>
        {
            var (charge, intent) = (request.Params.Optional("charge"), request.Params.Optional("payment_intent"));
            return ListPage.Of(request, "/v1/radar/early_fraud_warnings", "radar.early_fraud_warning", warning =>
                (charge is null || warning.Text("charge") == charge) && (intent is null || warning.TextOrNull("payment_intent") == intent),
                "charge", "payment_intent");
        });
        app.Get("/v1/radar/early_fraud_warnings/{id}", request =>
            request.Change.Find(request.Id, "radar.early_fraud_warning") ?? throw StripeException.NoSuch("early_fraud_warning", request.Id));
    }

    public static JsonObject Raise(StripeChange change, string chargeId, string fraudType)
    {
        var warning = Template.Of("radar.early_fraud_warning");
        warning["id"] = StripeId.New("issfr");
        warning["charge"] = chargeId;
        warning["created"] = change.Now;
        warning["fraud_type"] = fraudType;
        warning["payment_intent"] = change.Find(chargeId)!.TextOrNull("payment_intent");
        change.Add(warning);
        change.Emit("radar.early_fraud_warning.created", warning);
        return warning;
    }
}
