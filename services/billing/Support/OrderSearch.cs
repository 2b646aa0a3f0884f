using HomeStage.Billing.Orders;
using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Support;

/// <summary>What support has in hand when it looks for an order: exactly one of them.</summary>
internal sealed record OrderQuery(Guid? OrderId, Guid? AccountId, string? StripeId, string? Email)
{
    internal bool IsOne => new object?[] { OrderId, AccountId, StripeId, Email }.Count(value => value is not null and not "") == 1;
}

/// <summary>Finds orders for support. Of a customer's e-mail address Stripe is asked for the sessions: here it is in payloads alone, for a while.</summary>
internal sealed class OrderSearch(IDbContextFactory<BillingDb> databases, IStripe stripe, PaymentLookup payments)
{
    /// <summary>The most that is answered.</summary>
    private const int Most = 50;

    /// <summary>The orders, newest first.</summary>
    /// <exception cref="StripeException">Stripe has to be asked, and cannot be.</exception>
    internal async Task<IReadOnlyList<Order>> FindAsync(OrderQuery query, CancellationToken cancellationToken)
    {
        if (query.OrderId is { } orderId)
            return await FindAsync([orderId], cancellationToken);
        if (query.Email is { Length: > 0 } email)
            return await FindAsync([.. (await stripe.ListSessionsOfCustomerAsync(email, cancellationToken)).Select(session => session.OrderId).OfType<Guid>()], cancellationToken);
        if (query.StripeId is { } stripeId)
            return await OrderOfAsync(stripeId, cancellationToken) is { } found ? await FindAsync([found], cancellationToken) : [];
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var owners = await db.OwnersAsync(query.AccountId!.Value, cancellationToken);
        return await Newest(db.Orders.Where(order => owners.Contains(order.AccountId)), cancellationToken);
    }

    private async Task<IReadOnlyList<Order>> FindAsync(Guid[] ids, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Newest(db.Orders.Where(order => ids.Contains(order.Id)), cancellationToken);
    }

    /// <summary>What we have stored comes first; Stripe knows the rest.</summary>
    private async Task<Guid?> OrderOfAsync(string stripeId, CancellationToken cancellationToken)
    {
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (stripeId.StartsWith("evt_", StringComparison.Ordinal))
                return await db.StripeEvents.Where(stored => stored.Id == stripeId).Select(stored => stored.OrderId).SingleOrDefaultAsync(cancellationToken);
            if (stripeId.StartsWith("cs_", StringComparison.Ordinal))
            {
                return await db.Orders.Where(order => order.SessionId == stripeId).Select(order => (Guid?)order.Id).SingleOrDefaultAsync(cancellationToken)
                    ?? (await stripe.FindSessionAsync(stripeId, cancellationToken))?.OrderId;
            }
        }

        var payment = stripeId.StartsWith("pi_", StringComparison.Ordinal) ? stripeId : await stripe.FindPaymentIdAsync(stripeId, cancellationToken);
        return payment is null ? null : await payments.OrderOfAsync(payment, cancellationToken);
    }

    private static async Task<IReadOnlyList<Order>> Newest(IQueryable<Order> orders, CancellationToken cancellationToken) =>
        await orders.AsNoTracking().OrderByDescending(order => order.Id).Take(Most).ToListAsync(cancellationToken);
}
