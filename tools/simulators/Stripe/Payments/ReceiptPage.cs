using System.Text.Json.Nodes;
using HomeStage.Simulators.Stripe.Checkout;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Payments;

/// <summary>The page that a charge's <c>receipt_url</c> names.</summary>
internal static class ReceiptPage
{
    public static void MapReceipts(this IEndpointRouteBuilder app) => app.MapGet("/receipts/{id}", (string id, StripeState state) =>
    {
        var charge = state.Read(change => change.Find(id, "charge") is { } found && found.Text("status") == "succeeded" ? found : null);
        return charge is null
            ? CheckoutPage.Answer("Nothing here", "<p>There is no such receipt.</p>", status: StatusCodes.Status404NotFound)
            : CheckoutPage.Answer("Receipt", $"<ul><li><span>Paid</span><span>{Paid(charge)}</span></li></ul>");
    });

    private static string Paid(JsonObject charge) => CheckoutPage.Money(charge.Number("amount"), charge.Text("currency"));
}
