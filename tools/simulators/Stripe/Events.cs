using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe;

/// <summary><c>/v1/events</c>: what happened, newest first.</summary>
internal static class Events
{
    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        app.Get("/v1/events", request =>
        {
            var parameters = request.Params;
            var types = parameters["types"]?.Items.Select(item => item.Text).ToHashSet();
            var type = parameters.Optional("type");
            if (types is not null && type is not null)
                throw StripeException.Invalid("You may pass either type or types, but not both.", "types");
            var delivered = parameters.Choice("delivery_success", "true", "false");
            return ListPage.Of(request, "/v1/events", "event", happened =>
                (types is null || types.Contains(happened.Text("type")))
                && (type is null || Matches(type, happened.Text("type")))
                && (delivered is null || delivered == "true" == (happened.Number("pending_webhooks") == 0)),
                "type", "types", "delivery_success");
        });
        app.Get("/v1/events/{id}", request =>
            request.Change.Find(request.Id, "event") ?? throw StripeException.NoSuch("event", request.Id));
    }

    private static bool Matches(string asked, string type) =>
        asked == type || (asked.EndsWith(".*", StringComparison.Ordinal) && type.StartsWith(asked[..^1], StringComparison.Ordinal));
}
