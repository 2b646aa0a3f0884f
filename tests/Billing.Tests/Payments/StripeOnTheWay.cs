using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Billing.Stripe;

namespace HomeStage.Billing.Tests.Payments;

/// <summary>
/// Stripe as it is while a payment's life goes on: it answers what was true at the latest event that has been delivered of a payment,
/// so answers change under way and end with the last one.
/// </summary>
internal sealed class StripeOnTheWay(IReadOnlyList<(MoneyBack[] Refunds, MoneyBack[] Disputes)> life) : IStripe
{
    private readonly ConcurrentDictionary<string, int> _reached = new(StringComparer.Ordinal);

    public void Reach(string paymentIntentId, int moment) => _reached.AddOrUpdate(paymentIntentId, moment, (_, reached) => Math.Max(reached, moment));

    public async Task<Payment?> FindPaymentAsync(string paymentIntentId, CancellationToken cancellationToken)
    {
        var (refunds, disputes) = life[_reached[paymentIntentId]];
        // The answer is made; on its way others may overtake it.
        await Task.Yield();
        return new Payment(paymentIntentId, refunds, disputes, null);
    }

    public Task<Guid?> FindOrderIdAsync(string paymentIntentId, CancellationToken cancellationToken) =>
        Task.FromResult<Guid?>(Guid.Parse(paymentIntentId["pi_".Length..]));

    public Task<CheckoutSession> CreateSessionAsync(JsonObject parameters, string idempotencyKey, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<CheckoutSession?> FindSessionAsync(string sessionId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<CheckoutSession>> ListSessionsOfCustomerAsync(string email, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<Uri?> FindReceiptAsync(string paymentIntentId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<string?> FindPaymentIdAsync(string stripeId, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IAsyncEnumerable<IReadOnlyList<JsonElement>> ListEventsAsync(DateTimeOffset since, IReadOnlyCollection<string> types, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
