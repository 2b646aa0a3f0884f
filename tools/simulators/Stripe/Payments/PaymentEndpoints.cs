using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary>Reading <c>/v1/payment_intents</c> and <c>/v1/charges</c>; both are made by the checkout page.</summary>
internal static class PaymentEndpoints
{
    public static void MapPayments(this IEndpointRouteBuilder app)
    {
        app.Get("/v1/payment_intents", request => ListPage.Of(request, "/v1/payment_intents", "payment_intent", _ => true));
        app.Get("/v1/payment_intents/{id}", request =>
            request.Change.Find(request.Id, "payment_intent") ?? throw StripeException.NoSuch("payment_intent", request.Id, "intent"));
        app.Get("/v1/charges", request =>
        {
            var intent = request.Params.Optional("payment_intent");
            return ListPage.Of(request, "/v1/charges", "charge", charge => intent is null || charge.TextOrNull("payment_intent") == intent, "payment_intent");
        });
        app.Get("/v1/charges/{id}", request =>
            request.Change.Find(request.Id, "charge") ?? throw StripeException.NoSuch("charge", request.Id));
        app.Get("/v1/charges/{id}/refunds", request => ListPage.Of(
            request, $"/v1/charges/{request.Id}/refunds", "refund", refund => refund.TextOrNull("charge") == request.Id));
    }

    /// <summary>The charge that a session, a payment intent or a charge stands for.</summary>
    public static string? ChargeOf(string id, StripeChange change) => change.Find(id) is { } found
        ? found.Kind() switch
        {
            "checkout.session" => found.TextOrNull("payment_intent") is { } intent ? change.Find(intent)!.TextOrNull("latest_charge") : null,
            "payment_intent" => found.TextOrNull("latest_charge"),
            "charge" => id,
            _ => null,
        }
        : null;
}
