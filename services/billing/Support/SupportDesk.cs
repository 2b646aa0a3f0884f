using HomeStage.Billing.Orders;
using HomeStage.Billing.Payments;
using HomeStage.Billing.Reconciliation;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Support;

/// <summary>What support can see and do about one order.</summary>
internal sealed class SupportDesk(
    IDbContextFactory<BillingDb> databases, PendingOrders pending, PaymentLookup payments, EventApplication application, WaitingEvents waiting, TimeProvider time)
{
    /// <summary>How often a stale answer of Stripe's is asked for again.</summary>
    private const int Tries = 5;

    /// <summary>Why the order stands as it does; null if there is none.</summary>
    internal async Task<OrderExplanation?> ExplainAsync(Guid orderId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Orders.AsNoTracking().SingleOrDefaultAsync(row => row.Id == orderId, cancellationToken) is not { } order)
            return null;
        var events = await db.StripeEvents.AsNoTracking().Where(stored => stored.OrderId == orderId).OrderBy(stored => stored.CreatedAt).ToListAsync(cancellationToken);
        var unsent = await db.Database.SqlQuery<UnsentMessage>(
            $"select message_type, created_at from outbox where body ->> 'orderId' = {orderId.ToString()}").ToListAsync(cancellationToken);
        return OrderExplainer.Explain(order, events, unsent, time.GetUtcNow());
    }

    /// <summary>Takes over all that Stripe knows about the order now; false if there is none.</summary>
    /// <exception cref="Stripe.StripeException">Stripe cannot be asked.</exception>
    internal async Task<bool> CheckAsync(Guid orderId, CancellationToken cancellationToken)
    {
        if (await FindAsync(orderId, cancellationToken) is not { } order)
            return false;
        if (order.SessionId is { } session)
            await pending.CheckAsync(session, cancellationToken);
        if ((await FindAsync(orderId, cancellationToken))?.PaymentIntentId is { } payment)
            await TakeOverAsync(orderId, payment, cancellationToken);
        await waiting.HurryAsync(orderId, cancellationToken);
        await waiting.ApplyDueAsync(cancellationToken);
        return true;
    }

    private async Task TakeOverAsync(Guid orderId, string payment, CancellationToken cancellationToken)
    {
        for (var tried = 0; tried < Tries; tried++)
        {
            var (answer, _) = await payments.FindAsync(orderId, payment, cancellationToken);
            if (answer is null)
                return;
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            if (await application.ApplyAsync(db, answer, cancellationToken) is not { } verdict)
                continue;
            await db.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            application.ReportChange(verdict);
            return;
        }
    }

    private async Task<Order?> FindAsync(Guid orderId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Orders.AsNoTracking().SingleOrDefaultAsync(row => row.Id == orderId, cancellationToken);
    }
}
