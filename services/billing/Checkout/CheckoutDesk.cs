using System.Security.Cryptography;
using System.Text.Json;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Checkout;

/// <summary>
/// Takes an order to a place where it can be paid. First the order is committed, then Stripe is asked outside any transaction, then the
/// session is stored; whoever repeats the request with the same key goes on where the first one ended, wherever that was.
/// </summary>
internal sealed partial class CheckoutDesk(
    IDbContextFactory<BillingDb> databases, PlanCatalog catalog, IStripe stripe, PublicUrl publicUrl, TimeProvider time, BillingMetrics metrics, ILogger<CheckoutDesk> logger)
{
    internal async Task<Results<Created<CheckoutAnswer>, ProblemHttpResult>> CheckOutAsync(
        Guid accountId, string? key, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var fingerprint = SHA256.HashData(body.Span);
        var owners = await db.OwnersAsync(accountId, cancellationToken);
        // A key that was used before the caller's accounts were merged is still used; a caller's own shows when it is written.
        var placed = key is not null && owners.Length > 1 ? await RecallAsync(db, owners, key, fingerprint, cancellationToken) : null;
        placed ??= await PlaceAsync(db, accountId, key, fingerprint, body, cancellationToken);
        if (placed is null)
        {
            // Somebody else, perhaps this client's first try, used the key: theirs is the answer.
            db.ChangeTracker.Clear();
            placed = await RecallAsync(db, owners, key!, fingerprint, cancellationToken);
        }

        return placed!.Order is { } order ? await OfferAsync(db, order, cancellationToken) : placed.Refusal!;
    }

    /// <summary>Commits the order, or the refusal, under the key; null if the key is taken.</summary>
    private async Task<Placed?> PlaceAsync(
        BillingDb db, Guid accountId, string? key, byte[] fingerprint, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var (planId, errors) = CheckoutRequest.Parse(body);
        var plan = planId is null ? null : catalog.Find(planId);
        if (errors.Count == 0 && plan is null)
            errors["plan"] = ["There is no such plan: take an id of GET /api/v1/plans."];
        var order = errors.Count == 0 ? Order.Place(accountId, plan!, time.GetUtcNow()) : null;
        var placed = order is null ? new Placed(null, Problem.Invalid(errors)) : new Placed(order, null);

        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (order is not null)
        {
            db.Orders.Add(order);
            await db.SaveChangesAsync(cancellationToken);
        }

        if (key is not null)
        {
            var refusal = order is null ? JsonSerializer.Serialize(errors) : null;
            var first = await db.Database.ExecuteSqlAsync(
                $"""
                insert into idempotency_keys (account_id, key, fingerprint, order_id, refusal, created_at)
                values ({accountId}, {key}, {fingerprint}, {order?.Id}, {refusal}, {time.GetUtcNow()}) on conflict do nothing
                """,
                cancellationToken);
            if (first == 0)
                return null;
        }

        await transaction.CommitAsync(cancellationToken);
        return placed;
    }

    /// <summary>What the key led to, for whichever of the caller's accounts; null if none used it.</summary>
    private static async Task<Placed?> RecallAsync(BillingDb db, Guid[] owners, string key, byte[] fingerprint, CancellationToken cancellationToken)
    {
        var used = await db.IdempotencyKeys.AsNoTracking().Where(row => owners.Contains(row.AccountId) && row.Key == key)
            .OrderBy(row => row.CreatedAt).FirstOrDefaultAsync(cancellationToken);
        if (used is null)
            return null;
        if (!used.Fingerprint.AsSpan().SequenceEqual(fingerprint))
            return new(null, Problem.Result(ProblemCode.IdempotencyConflict, "This Idempotency-Key was used with another body: use a new key for a new request."));
        if (used.Refusal is { } refusal)
            return new(null, Problem.Invalid(JsonSerializer.Deserialize<Dictionary<string, string[]>>(refusal)!));
        return new(await db.Orders.SingleAsync(row => row.Id == used.OrderId, cancellationToken), null);
    }

    private async Task<Results<Created<CheckoutAnswer>, ProblemHttpResult>> OfferAsync(BillingDb db, Order order, CancellationToken cancellationToken)
    {
        if (order.SessionUrl is { } known)
            return Answer(order, known);
        CheckoutSession session;
        try
        {
            session = await stripe.CreateSessionAsync(CheckoutSessionForm.Of(order, publicUrl), CheckoutSessionForm.KeyOf(order), cancellationToken);
        }
        catch (StripeException error)
        {
            if (error.Saved)
                await EndAttemptAsync(db, order, cancellationToken);
            metrics.CheckoutFailed(order.Plan);
            Log.NotStarted(logger, order.Id, error.Message);
            return Problem.Result(
                ProblemCode.Unavailable, "The payment could not be started and nothing was charged. Try again with the same Idempotency-Key.", ("orderId", order.Id));
        }

        if (!order.Costs(session.AmountTotal, session.Currency) || session.Url is not { } url)
        {
            // Nobody gets to see a page that asks for another price than ours.
            metrics.PaymentAnomaly("price_drift");
            Log.PriceDrift(logger, order.Id, session.Id, order.StripePriceId);
            return Problem.Result(ProblemCode.Unavailable, "This plan cannot be bought right now; nothing was charged.", ("orderId", order.Id));
        }

        // One statement that touches no fact, so it cannot collide with an event about the order. The page that was given out first stays the order's:
        // a repetition may have made another one, with the key of another attempt.
        var offered = await db.Orders.Where(row => row.Id == order.Id && (row.SessionId == null || row.SessionId == session.Id)).ExecuteUpdateAsync(
            set => set.SetProperty(row => row.SessionId, session.Id)
                .SetProperty(row => row.SessionUrl, url)
                .SetProperty(row => row.SessionExpiresAt, session.ExpiresAt)
                .SetProperty(row => row.OfferedAt, time.GetUtcNow()),
            cancellationToken);
        if (offered == 0)
            return Answer(order, (await db.Orders.Where(row => row.Id == order.Id).Select(row => row.SessionUrl).SingleAsync(cancellationToken))!);
        metrics.CheckoutStarted(order.Plan);
        return Answer(order, url);
    }

    /// <summary>Stripe would answer the same error for a day: whoever repeats the request asks with another key. Of those who got the error the first counts.</summary>
    private static Task<int> EndAttemptAsync(BillingDb db, Order order, CancellationToken cancellationToken) =>
        db.Orders.Where(row => row.Id == order.Id && row.CheckoutAttempt == order.CheckoutAttempt)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.CheckoutAttempt, order.CheckoutAttempt + 1), cancellationToken);

    private static Created<CheckoutAnswer> Answer(Order order, string url) =>
        TypedResults.Created($"/api/v1/orders/{order.Id}", new CheckoutAnswer(order.Id, url));

    private sealed record Placed(Order? Order, ProblemHttpResult? Refusal);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Order {OrderId} has no checkout yet: {Reason}", EventName = "checkout_not_started")]
        public static partial void NotStarted(ILogger logger, Guid orderId, string reason);

        [LoggerMessage(2, LogLevel.Error, "Session {SessionId} asks for another amount than order {OrderId}; is the price {StripePriceId} right?", EventName = "payment_anomaly")]
        public static partial void PriceDrift(ILogger logger, Guid orderId, string sessionId, string? stripePriceId);
    }
}

/// <summary>A checkout that can be paid.</summary>
/// <param name="OrderId">The order.</param>
/// <param name="Url">Stripe's page; send the customer there.</param>
internal sealed record CheckoutAnswer(Guid OrderId, string Url);
