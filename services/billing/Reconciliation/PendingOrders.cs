using HomeStage.Billing.Orders;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Webhooks;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Reconciliation;

/// <summary>
/// Asks Stripe about orders that stay pending. What has happened to a Checkout Session is read as Stripe's events about it and
/// goes through the same door as webhooks, so an order ends in the very same row, whichever way was faster.
/// </summary>
internal sealed partial class PendingOrders(
    IDbContextFactory<BillingDb> databases, IStripe stripe, EventIntake intake, TimeProvider time, ILogger<PendingOrders> logger)
{
    /// <summary>Before this a webhook is likely on its way.</summary>
    internal static readonly TimeSpan AskedAfter = TimeSpan.FromSeconds(10);

    /// <summary>A reader may make billing ask about an order once in so long, over all replicas.</summary>
    internal static readonly TimeSpan AskedAgainAfter = TimeSpan.FromSeconds(5);

    /// <summary>How long a reader waits for Stripe at most.</summary>
    private static readonly TimeSpan ReaderWaits = TimeSpan.FromSeconds(3);

    /// <summary>How often the reconciler asks about an order that nobody reads.</summary>
    private static readonly TimeSpan SweptAgainAfter = TimeSpan.FromMinutes(10);

    /// <summary>How many orders one reconciliation asks about.</summary>
    private const int SweptAtOnce = 20;

    /// <summary>How many pages of events are searched for one session; beyond them the reconciliation finds it.</summary>
    private const int PagesSearched = 10;

    /// <summary>Asks about an order that somebody reads, if it is time; true if it may have moved on. Trouble with Stripe is no trouble for the reader.</summary>
    internal async Task<bool> AskAboutAsync(Order order, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (order.Status != OrderStatus.Pending || order.SessionId is null || now - order.CreatedAt < AskedAfter
            || !await ClaimAsync(order.Id, now - AskedAgainAfter, cancellationToken))
        {
            return false;
        }

        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        bounded.CancelAfter(ReaderWaits);
        try
        {
            return await CheckAsync(order.SessionId, bounded.Token);
        }
        catch (Exception error) when (error is StripeException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Log.NotAnswered(logger, order.Id);
            return false;
        }
    }

    /// <summary>Takes in Stripe's events about a session; true if one of them was new.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked.</exception>
    internal async Task<bool> CheckAsync(string sessionId, CancellationToken cancellationToken)
    {
        if (await stripe.FindSessionAsync(sessionId, cancellationToken) is not { CreatedAt: { } createdAt, Status: not "open" })
            return false;
        var (pages, moved) = (0, false);
        await foreach (var page in stripe.ListEventsAsync(createdAt, CheckoutEvents.Types, cancellationToken))
        {
            foreach (var json in page)
            {
                if (StripeEvent.Read(json) is { } happened && CheckoutSession.Read(happened.Object)?.Id == sessionId)
                    moved |= await intake.ReceiveAsync(happened, ListedEvents.PayloadOf(json), EventSource.List, cancellationToken);
            }

            if (++pages == PagesSearched)
                break;
        }

        return moved;
    }

    /// <summary>Asks about some orders that have stayed pending for long, and ends those that never got a session; how many moved on.</summary>
    /// <exception cref="StripeException">Stripe cannot be asked.</exception>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var moved = await ExpireAbandonedAsync(cancellationToken);
        var now = time.GetUtcNow();
        // Stripe no longer tells what happened before, and keeps no session open for so long.
        var (from, to) = (now - WaitingEvents.Patience, now - SweptAgainAfter);
        List<Order> orders;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            orders = await Unsettled(db)
                .Where(order => order.SessionId != null && order.CreatedAt > from && order.CreatedAt < to && (order.CheckedAt == null || order.CheckedAt < to))
                .OrderBy(order => order.CheckedAt ?? order.CreatedAt).Take(SweptAtOnce).AsNoTracking().ToListAsync(cancellationToken);
        }

        foreach (var order in orders)
        {
            if (await ClaimAsync(order.Id, to, cancellationToken) && await CheckAsync(order.SessionId!, cancellationToken))
                moved++;
        }

        return moved;
    }

    private async Task<int> ExpireAbandonedAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var orders = await Unsettled(db).Where(order => order.SessionId == null).OrderBy(order => order.CreatedAt).Take(SweptAtOnce).ToListAsync(cancellationToken);
        var now = time.GetUtcNow();
        var expired = orders.Count(order => order.ExpireIfAbandoned(now));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return expired;
        }
        catch (DbUpdateConcurrencyException)
        {
            // An event was faster; the next sweep sees what it left.
            return 0;
        }
    }

    /// <summary>Takes the right to ask about an order; false if somebody had it since the given time.</summary>
    private async Task<bool> ClaimAsync(Guid orderId, DateTimeOffset notSince, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Orders.Where(order => order.Id == orderId && (order.CheckedAt == null || order.CheckedAt <= notSince))
            .ExecuteUpdateAsync(set => set.SetProperty(order => order.CheckedAt, now), cancellationToken) == 1;
    }

    private static IQueryable<Order> Unsettled(BillingDb db) =>
        db.Orders.Where(order => order.PaidAt == null && order.FailedAt == null && order.ExpiredAt == null);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe did not say in time how order {OrderId} stands; its reader got what is known", EventName = "order_not_checked")]
        public static partial void NotAnswered(ILogger logger, Guid orderId);
    }
}
