using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Fixtures;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Checkout;

/// <summary><c>/v1/checkout/sessions</c> in payment mode.</summary>
internal static class Sessions
{
    private const int HalfAnHour = 30 * 60;
    private const int Day = 24 * 60 * 60;
    private const int MinAmount = 50;

    private static readonly string[] CreateParams =
    [
        "adaptive_pricing", "after_expiration", "allow_promotion_codes", "allowed_payment_method_types", "automatic_tax",
        "billing_address_collection", "branding_settings", "cancel_url", "client_reference_id", "consent_collection", "currency", "custom_fields",
        "custom_text", "customer", "customer_account", "customer_creation", "customer_email", "customer_update", "discounts",
        "excluded_payment_method_types", "expand", "expires_at", "integration_identifier", "invoice_creation", "line_items", "locale",
        "managed_payments", "metadata", "mode", "name_collection", "optional_items", "origin_context", "payment_intent_data",
        "payment_method_collection", "payment_method_configuration", "payment_method_data", "payment_method_options", "payment_method_types",
        "permissions", "phone_number_collection", "redirect_on_completion", "return_url", "saved_payment_method_options", "setup_intent_data",
        "shipping_address_collection", "shipping_options", "submit_type", "subscription_data", "success_url", "tax_id_collection", "ui_mode",
        "wallet_options",
    ];

    public static void MapSessions(this IEndpointRouteBuilder app)
    {
        app.Post("/v1/checkout/sessions", Create);
        app.Get("/v1/checkout/sessions", request =>
        {
            var (status, payment) = (request.Params.Choice("status", "open", "complete", "expired"), request.Params.Optional("payment_intent"));
            var email = request.Params["customer_details"]?.Required("email");
            return ListPage.Of(request, "/v1/checkout/sessions", "checkout.session", session =>
                (status is null || session.Text("status") == status) && (payment is null || session.TextOrNull("payment_intent") == payment)
                && (email is null || (session["customer_details"] as JsonObject)?.TextOrNull("email") == email),
                "status", "payment_intent", "customer_details");
        });
        app.Get("/v1/checkout/sessions/{id}", request => Find(request));
        app.Post("/v1/checkout/sessions/{id}", request =>
        {
            request.Params.AllowOnly("metadata", "expand");
            var session = request.Change.Edit(Find(request).Id());
            session["metadata"] = Metadata.From(request.Params["metadata"], session["metadata"]!.AsObject());
            return session;
        });
        app.Post("/v1/checkout/sessions/{id}/expire", request =>
        {
            var session = Find(request);
            return session.Text("status") == "open"
                ? Expire(session.Id(), request.Change)
                : throw StripeException.Invalid($"Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of `{session.Text("status")}`.");
        });
        app.Get("/v1/checkout/sessions/{id}/line_items", request => Expansion.LineItems(Find(request).Id(), request.Change));
    }

    public static JsonObject Expire(string id, StripeChange change)
    {
        var session = change.Edit(id);
        session["status"] = "expired";
        session["url"] = null;
        change.Emit("checkout.session.expired", session);
        return session;
    }

    private static JsonObject Find(StripeRequest request) =>
        request.Change.Find(request.Id, "checkout.session") ?? throw StripeException.NoSuch("checkout.session", request.Id, "session");

    private static JsonObject Create(StripeRequest request)
    {
        var (parameters, change) = (request.Params, request.Change);
        parameters.AllowOnly(CreateParams);
        RequirePaymentMode(parameters);
        var items = LineItems.From(parameters["line_items"], change);
        var total = items.Sum(item => item.Number("amount_total"));
        if (total < MinAmount)
            throw StripeException.Invalid($"The Checkout Session's total amount due must add up to at least $0.50 {items[0].Text("currency")}", code: "amount_too_small");
        var reference = parameters.Optional("client_reference_id");
        if (reference?.Length > 200)
            throw StripeException.Invalid("Invalid string: client_reference_id must be at most 200 characters", "client_reference_id", "parameter_invalid_string");

        var session = Template.Of("checkout.session");
        var id = StripeId.Session();
        session["id"] = id;
        session["amount_subtotal"] = total;
        session["amount_total"] = total;
        session["cancel_url"] = Address(parameters, "cancel_url");
        session["success_url"] = Address(parameters, "success_url") ?? throw StripeException.Missing("success_url");
        session["client_reference_id"] = reference;
        session["created"] = change.Now;
        session["currency"] = items[0].Text("currency");
        session["customer_email"] = parameters.Optional("customer_email");
        session["expires_at"] = Expiry(parameters.Integer("expires_at"), change.Now);
        session["locale"] = parameters.Optional("locale");
        session["metadata"] = Metadata.From(parameters["metadata"]);
        session["mode"] = "payment";
        session["submit_type"] = parameters.Optional("submit_type");
        session["url"] = new Uri(change.Url, $"/c/pay/{id}").ToString();
        change.Add(session);
        change.Add(new JsonObject
        {
            ["id"] = $"{id}/line_items",
            ["object"] = "session.line_items",
            ["data"] = new JsonArray([.. items]),
            ["payment_intent_data"] = PaymentData(parameters["payment_intent_data"]),
        });
        return session;
    }

    private static void RequirePaymentMode(FormValue parameters)
    {
        if (parameters.Required("mode") != "payment")
            throw StripeException.Invalid($"The simulator has Checkout Sessions in payment mode only, not '{parameters.Optional("mode")}'.", "mode");
        if (parameters.Choice("ui_mode", "hosted_page", "embedded_page", "elements", "form") is not (null or "hosted_page"))
            throw StripeException.Invalid("The simulator has the hosted page only.", "ui_mode");
    }

    /// <summary>What goes on to the payment: its description and metadata.</summary>
    private static JsonObject PaymentData(FormValue? data) => new()
    {
        ["description"] = data?.Optional("description"),
        ["receipt_email"] = data?.Optional("receipt_email"),
        ["statement_descriptor_suffix"] = data?.Optional("statement_descriptor_suffix"),
        ["metadata"] = Metadata.From(data?["metadata"]),
    };

    private static string? Address(FormValue parameters, string name)
    {
        if (parameters.Optional(name) is not { } text)
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme is "http" or "https")
            ? text
            : throw StripeException.Invalid("Not a valid URL", name, "url_invalid");
    }

    private static long Expiry(long? asked, long now)
    {
        if (asked < now + HalfAnHour)
            throw StripeException.Invalid("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.", "expires_at");
        if (asked > now + Day)
            throw StripeException.Invalid("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.", "expires_at");
        return asked ?? now + Day;
    }
}
