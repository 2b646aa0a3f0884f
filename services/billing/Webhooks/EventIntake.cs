using HomeStage.Billing.Stripe;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>
/// The one door for Stripe's events. In one transaction an event is stored, once by its id, and what it proves is applied; it was
/// received if, and only if, that commits.
/// </summary>
internal sealed class EventIntake(IDbContextFactory<BillingDb> databases, EventApplication application, WaitingEvents waiting, TimeProvider time)
{
    /// <summary>Receives an event; false if it was received before.</summary>
    /// <param name="happened">The event as it was read.</param>
    /// <param name="payload">The bytes that it was read from.</param>
    /// <param name="source">How it came.</param>
    /// <param name="cancellationToken">Gives up; then nothing was received, or everything.</param>
    internal async Task<bool> ReceiveAsync(StripeEvent happened, byte[] payload, EventSource source, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var createdAt = happened.CreatedAt ?? now;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var verdict = await application.ApplyAsync(db, happened, createdAt, cancellationToken);
        var waits = verdict.State == EventState.Waiting;
        // Two deliveries at once wait for each other here, or before at the order's lock.
        var first = await db.Database.ExecuteSqlAsync(
            $"""
            insert into stripe_events (id, type, livemode, api_version, created_at, received_at, payload, source, order_id, state, reason, due_at, settled_at)
            values ({happened.Id}, {happened.Type}, {happened.Livemode}, {happened.ApiVersion}, {createdAt}, {now}, {payload},
              {source.ToString().ToLowerInvariant()}, {verdict.OrderId}, {verdict.State.ToString().ToLowerInvariant()}, {verdict.Reason},
              {(waits ? now + verdict.Wait : null)}, {(waits ? null : now)})
            on conflict (id) do nothing
            """,
            cancellationToken);
        if (first == 0)
            return false;
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        application.Report(happened.Id, happened.Type, verdict);
        if (waits && verdict.Wait == TimeSpan.Zero)
            waiting.Wake();
        return true;
    }
}
