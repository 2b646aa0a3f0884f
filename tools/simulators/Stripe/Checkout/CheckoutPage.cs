using System.Net;
using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Payments;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Checkout;

/// <summary>The hosted page at <c>/c/pay/{session}</c>, where a person, a browser test or a form post plays the customer.</summary>
internal static class CheckoutPage
{
    private static readonly string Page = ReadPage();

    public static void MapCheckoutPage(this IEndpointRouteBuilder app)
    {
        app.MapGet("/c/pay/{id}", (string id, StripeState state) => Show(id, state, notice: null));
        app.MapPost("/c/pay/{id}/pay", (string id, StripeState state) => Act(id, state, Payment.Pay)).DisableAntiforgery();
        app.MapPost("/c/pay/{id}/pay-later", (string id, StripeState state) => Act(id, state, Payment.PayLater)).DisableAntiforgery();
        app.MapPost("/c/pay/{id}/decline", Decline).DisableAntiforgery();
        app.MapPost("/c/pay/{id}/cancel", Cancel).DisableAntiforgery();
        app.MapPost("/c/pay/{id}/arrive", (string id, StripeState state) => Arrive(id, state, success: true)).DisableAntiforgery();
        app.MapPost("/c/pay/{id}/bounce", (string id, StripeState state) => Arrive(id, state, success: false)).DisableAntiforgery();
    }

    /// <summary>Pays and sends the customer back; a second click finds the session complete and only sends back.</summary>
    private static IResult Act(string id, StripeState state, Action<string, StripeChange> act)
    {
        var session = state.Change(EventOrigin.None, change =>
        {
            if (change.Find(id, "checkout.session") is not { } found)
                return null;
            if (found.Text("status") == "open")
                act(id, change);
            return change.Find(id);
        });
        if (session is null || session.Text("status") == "expired")
            return Show(id, state, notice: null);
        return new SeeOther(session.Text("success_url").Replace("{CHECKOUT_SESSION_ID}", id, StringComparison.Ordinal));
    }

    private static IResult Decline(string id, StripeState state)
    {
        var open = state.Change(EventOrigin.None, change =>
        {
            if (change.Find(id, "checkout.session")?.Text("status") != "open")
                return false;
            Payment.Decline(id, change);
            return true;
        });
        return Show(id, state, open ? "Your card was declined. Try again." : null, StatusCodes.Status402PaymentRequired);
    }

    /// <summary>Going back changes nothing: the session stays open until it expires.</summary>
    private static IResult Cancel(string id, StripeState state) =>
        state.Read(change => change.Find(id, "checkout.session"))?.TextOrNull("cancel_url") is { } url ? new SeeOther(url) : Show(id, state, notice: null);

    private static IResult Arrive(string id, StripeState state, bool success)
    {
        try
        {
            state.Change(EventOrigin.None, change =>
            {
                if (change.Find(id, "checkout.session") is not null)
                    Payment.Arrive(id, success, change);
                return true;
            });
        }
        catch (StripeException refused)
        {
            return Show(id, state, refused.Message);
        }
        return Show(id, state, success ? "The bank debit has arrived." : "The bank refused the debit.");
    }

    private static IResult Show(string id, StripeState state, string? notice, int noticeStatus = StatusCodes.Status200OK)
    {
        var (session, items, waits) = state.Read(change => change.Find(id, "checkout.session") is { } found
            ? (found, Expansion.LineItems(id, change), WaitsForBank(found, change))
            : (null, null, false));
        if (session is null)
            return Answer("Nothing here", "<p>This page doesn't exist. Ask for a new link to pay.</p>", status: StatusCodes.Status404NotFound);
        var body = session.Text("status") switch
        {
            "open" => Items(session, items!) + Buttons(id, session),
            "expired" => "<p>This link to pay has expired.</p>",
            _ when waits => "<p>The bank debit is on its way.</p>" + Button(id, "arrive", "The debit arrives", "primary") + Button(id, "bounce", "The bank refuses it", "plain"),
            _ => session.Text("payment_status") == "paid" ? "<p>This has been paid.</p>" : "<p>The payment failed.</p>",
        };
        return Answer(Money(session), body, notice, notice is null ? StatusCodes.Status200OK : noticeStatus);
    }

    /// <summary>A page that looks like Stripe's and says that it is not.</summary>
    public static IResult Answer(string title, string body, string? notice = null, int status = StatusCodes.Status200OK) =>
        Results.Content(Fill(title, body, notice), "text/html; charset=utf-8", statusCode: status);

    /// <summary>An amount as people read it.</summary>
    public static string Money(long minor, string currency) => $"{minor / 100m:0.00} {currency.ToUpperInvariant()}";

    private static bool WaitsForBank(JsonObject session, StripeChange change) =>
        session.Text("status") == "complete" && session.TextOrNull("payment_intent") is { } intent && change.Find(intent)!.Text("status") == "processing";

    private static string Items(JsonObject session, JsonObject items) => $"<ul>{string.Concat(items["data"]!.AsArray().Select(item =>
        $"<li><span>{Encode(item!["description"]!.GetValue<string>())} × {item["quantity"]}</span><span>{Money(item["amount_total"]!.GetValue<long>(), session.Text("currency"))}</span></li>"))}</ul>";

    private static string Buttons(string id, JsonObject session) =>
        Button(id, "pay", "Pay", "primary") + Button(id, "pay-later", "Pay later by bank debit", "plain") + Button(id, "decline", "Pay with a card that is declined", "plain")
        + (session.TextOrNull("cancel_url") is null ? "" : Button(id, "cancel", "Cancel and go back", "link"));

    private static string Button(string id, string action, string label, string look) =>
        $"<form method=\"post\" action=\"/c/pay/{Encode(id)}/{action}\"><button id=\"{action}\" class=\"{look}\">{label}</button></form>";

    private static string Money(JsonObject session) => Money(session.Number("amount_total"), session.Text("currency"));

    private static string Fill(string title, string body, string? notice) => Page
        .Replace("<!--title-->", Encode(title), StringComparison.Ordinal)
        .Replace("<!--notice-->", notice is null ? "" : $"<p class=\"notice\" role=\"alert\">{Encode(notice)}</p>", StringComparison.Ordinal)
        .Replace("<!--body-->", body, StringComparison.Ordinal);

    private static string Encode(string text) => WebUtility.HtmlEncode(text);

    private static string ReadPage()
    {
        using var stream = typeof(CheckoutPage).Assembly.GetManifestResourceStream("page/checkout")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private sealed class SeeOther(string url) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = url;
            return Task.CompletedTask;
        }
    }
}
