using System.Net;
using HomeStage.Contracts;

namespace HomeStage.Entitlements.Support;

/// <summary>Asks billing what it knows of orders; the routes are described in <c>shared/contracts/Support.cs</c>.</summary>
internal sealed class BillingClient(HttpClient http)
{
    /// <summary>A reconciliation asks Stripe for all events since the last one.</summary>
    internal static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Orders by <c>orderId</c>, <c>accountId</c>, <c>stripeId</c> or <c>email</c>, newest first.</summary>
    internal async Task<IReadOnlyList<SupportOrder>> OrdersAsync(string by, string value, CancellationToken cancellationToken) =>
        await http.GetFromJsonAsync<List<SupportOrder>>($"internal/support/orders?{by}={Uri.EscapeDataString(value)}", cancellationToken) ?? [];

    /// <summary>Every step of an order; null if there is none.</summary>
    internal async Task<OrderExplanation?> ExplainAsync(Guid orderId, CancellationToken cancellationToken)
    {
        using var answer = await http.GetAsync($"internal/support/orders/{orderId}/explanation", cancellationToken);
        return await ExplanationAsync(answer, cancellationToken);
    }

    /// <summary>Has billing ask Stripe about an order now; null if there is none.</summary>
    internal async Task<OrderExplanation?> CheckAsync(Guid orderId, CancellationToken cancellationToken)
    {
        using var answer = await http.PostAsync($"internal/support/orders/{orderId}/check", content: null, cancellationToken);
        return await ExplanationAsync(answer, cancellationToken);
    }

    /// <summary>Has billing compare everything with Stripe now.</summary>
    internal async Task<ReconciliationReport> ReconcileAsync(CancellationToken cancellationToken)
    {
        using var answer = await http.PostAsync("internal/support/reconcile", content: null, cancellationToken);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<ReconciliationReport>(cancellationToken))!;
    }

    private static async Task<OrderExplanation?> ExplanationAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return null;
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<OrderExplanation>(cancellationToken);
    }
}
