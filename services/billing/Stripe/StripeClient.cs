using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HomeStage.Billing.Stripe;

/// <summary>What billing asks of Stripe, in Stripe's own routes and parameters.</summary>
internal sealed class StripeClient(StripeTransport transport) : IStripe
{
    /// <summary>The most that Stripe puts on a page.</summary>
    private const int PageSize = 100;

    public async Task<CheckoutSession> CreateSessionAsync(JsonObject parameters, string idempotencyKey, CancellationToken cancellationToken)
    {
        var answer = await transport.PostAsync("/v1/checkout/sessions", parameters, idempotencyKey, cancellationToken);
        return CheckoutSession.Read(answer) ?? throw Unreadable("Checkout Session");
    }

    public async Task<CheckoutSession?> FindSessionAsync(string sessionId, CancellationToken cancellationToken) =>
        await FindAsync($"/v1/checkout/sessions/{Uri.EscapeDataString(sessionId)}", cancellationToken) is { } json
            ? CheckoutSession.Read(json) ?? throw Unreadable("Checkout Session")
            : null;

    public async Task<IReadOnlyList<CheckoutSession>> ListSessionsOfCustomerAsync(string email, CancellationToken cancellationToken)
    {
        var filter = new JsonObject { ["customer_details"] = new JsonObject { ["email"] = email }, ["limit"] = PageSize };
        var page = await transport.GetAsync("/v1/checkout/sessions", filter, cancellationToken);
        return [.. DataOf(page).Select(CheckoutSession.Read).OfType<CheckoutSession>()];
    }

    public async Task<Guid?> FindOrderIdAsync(string paymentIntentId, CancellationToken cancellationToken)
    {
        if (await FindPaymentIntentAsync(paymentIntentId, cancellationToken) is not { } intent)
            return null;
        if (Guid.TryParse(intent.Member("metadata")?.Text("order_id"), out var named))
            return named;
        var sessions = await transport.GetAsync("/v1/checkout/sessions", new() { ["payment_intent"] = paymentIntentId, ["limit"] = 1 }, cancellationToken);
        return DataOf(sessions).Select(session => CheckoutSession.Read(session)?.OrderId).FirstOrDefault(id => id is not null);
    }

    public async Task<Payment?> FindPaymentAsync(string paymentIntentId, CancellationToken cancellationToken)
    {
        // Asked first: what Stripe lists of a payment that it does not know, for instance with another account's key, must not count as nothing.
        if (await FindPaymentIntentAsync(paymentIntentId, cancellationToken) is null)
            return null;
        var of = new JsonObject { ["payment_intent"] = paymentIntentId };
        var refunds = ListAsync("/v1/refunds", of, cancellationToken);
        var disputes = ListAsync("/v1/disputes", of, cancellationToken);
        var warnings = ListAsync("/v1/radar/early_fraud_warnings", of, cancellationToken);
        await Task.WhenAll(refunds, disputes, warnings);
        return Payment.Read(paymentIntentId, await refunds, await disputes, await warnings) ?? throw Unreadable("payment's refunds and disputes");
    }

    public async Task<Uri?> FindReceiptAsync(string paymentIntentId, CancellationToken cancellationToken)
    {
        // Of several tries with one payment, the charge that succeeded has the receipt.
        var charges = await ListAsync("/v1/charges", new() { ["payment_intent"] = paymentIntentId }, cancellationToken);
        var address = charges.Where(charge => charge.Text("status") == "succeeded").Select(charge => charge.Text("receipt_url")).FirstOrDefault(url => url is not null);
        return Uri.TryCreate(address, UriKind.Absolute, out var page) ? page : null;
    }

    public async Task<string?> FindPaymentIdAsync(string stripeId, CancellationToken cancellationToken)
    {
        if (RouteOf(stripeId) is not { } route)
            return null;
        return await FindAsync($"{route}/{Uri.EscapeDataString(stripeId)}", cancellationToken) is { } json ? PaymentReference.PaymentIntentOf(json) : null;
    }

    public async IAsyncEnumerable<IReadOnlyList<JsonElement>> ListEventsAsync(
        DateTimeOffset since, IReadOnlyCollection<string> types, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var filter = new JsonObject
        {
            ["created"] = new JsonObject { ["gte"] = since.ToUnixTimeSeconds() },
            ["types"] = new JsonArray([.. types.Select(type => JsonValue.Create(type))]),
        };
        await foreach (var page in PagesAsync("/v1/events", filter, cancellationToken))
            yield return page;
    }

    private Task<JsonElement?> FindPaymentIntentAsync(string id, CancellationToken cancellationToken) =>
        FindAsync($"/v1/payment_intents/{Uri.EscapeDataString(id)}", cancellationToken);

    private async Task<JsonElement?> FindAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await transport.GetAsync(path, [], cancellationToken);
        }
        catch (StripeException error) when (error.Missing)
        {
            return null;
        }
    }

    private async Task<IReadOnlyList<JsonElement>> ListAsync(string path, JsonObject filter, CancellationToken cancellationToken)
    {
        var all = new List<JsonElement>();
        await foreach (var page in PagesAsync(path, filter, cancellationToken))
            all.AddRange(page);
        return all;
    }

    /// <summary>Stripe lists newest first; the last id of a page is where the next one goes on.</summary>
    private async IAsyncEnumerable<IReadOnlyList<JsonElement>> PagesAsync(
        string path, JsonObject filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var parameters = filter.DeepClone().AsObject();
        parameters["limit"] = PageSize;
        while (true)
        {
            var answer = await transport.GetAsync(path, parameters, cancellationToken);
            var page = DataOf(answer);
            yield return page;
            if (answer.Flag("has_more") is not true || page.Count == 0 || page[^1].Text("id") is not { } last)
                yield break;
            parameters["starting_after"] = last;
        }
    }

    private static IReadOnlyList<JsonElement> DataOf(JsonElement list) =>
        list.Member("data") is { ValueKind: JsonValueKind.Array } data ? [.. data.EnumerateArray()] : throw Unreadable("list");

    private static string? RouteOf(string id) => id.Split('_')[0] switch
    {
        "ch" or "py" => "/v1/charges",
        "re" or "pyr" => "/v1/refunds",
        "du" or "dp" => "/v1/disputes",
        "issfr" => "/v1/radar/early_fraud_warnings",
        _ => null,
    };

    /// <summary>Stripe is there, and would answer the same again: whoever asked must not wait for it as for an outage.</summary>
    private static StripeException Unreadable(string what) => new($"The answer is not a {what}.", retryable: false);
}
