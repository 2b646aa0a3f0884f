using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Orders;

/// <summary>
/// Finds the receipts that Stripe writes. Their addresses expire and open without a password, so they are asked for when the owner wants
/// one, told to nobody else, and neither stored nor logged.
/// </summary>
internal sealed partial class ReceiptDesk(IDbContextFactory<BillingDb> databases, IStripe stripe, StripeSettings settings, ILogger<ReceiptDesk> logger)
{
    /// <summary>The order is the caller's and has no receipt.</summary>
    internal static readonly ProblemCode NoReceipt = new("no_receipt", StatusCodes.Status404NotFound, "There is no receipt");

    internal async Task<Results<Ok<ReceiptPageAnswer>, ProblemHttpResult>> FindAsync(Guid accountId, Guid orderId, CancellationToken cancellationToken)
    {
        Order? order;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            var owners = await db.OwnersAsync(accountId, cancellationToken);
            order = await db.Orders.AsNoTracking().SingleOrDefaultAsync(row => row.Id == orderId && owners.Contains(row.AccountId), cancellationToken);
        }

        if (order is null)
            return Problem.Result(ProblemCode.NotFound);
        if (order is not { PaidAt: not null, PaymentIntentId: { } payment })
            return Problem.Result(NoReceipt, "Stripe writes one when money was paid.");
        Uri? page;
        try
        {
            page = await stripe.FindReceiptAsync(payment, cancellationToken);
        }
        catch (StripeException error)
        {
            Log.NotAnswered(logger, orderId, error.Message);
            return Problem.Result(ProblemCode.Unavailable, "Stripe does not answer right now. Try again in a minute.");
        }

        if (page is null)
            return Problem.Result(NoReceipt, "Stripe has not written it yet. Try again in a minute.");
        if (settings.IsOwnPage(page))
            return TypedResults.Ok(new ReceiptPageAnswer(page.AbsoluteUri));
        Log.Elsewhere(logger, orderId, page.Host);
        return Problem.Result(NoReceipt, "Stripe names no page that we could send you to.");
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe did not tell the receipt of order {OrderId}: {Reason}", EventName = "receipt_not_told")]
        public static partial void NotAnswered(ILogger logger, Guid orderId, string reason);

        [LoggerMessage(2, LogLevel.Error, "The receipt of order {OrderId} is said to be at {Host}, which is not Stripe's: nobody is sent there", EventName = "receipt_elsewhere")]
        public static partial void Elsewhere(ILogger logger, Guid orderId, string host);
    }
}

/// <summary>Where a receipt is.</summary>
/// <param name="Url">Stripe's page, which anybody can open who knows the address; it expires.</param>
internal sealed record ReceiptPageAnswer(string Url);
