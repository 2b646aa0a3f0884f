using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;

namespace HomeStage.Entitlements.Credits;

/// <summary>Follows what billing knows of money that went back. The order's revision decides which message stands.</summary>
internal sealed partial class PaymentAdjustedConsumer(
    Inbox<EntitlementsDb> inbox, Ledger ledger, CreditMetrics metrics, ILogger<PaymentAdjustedConsumer> logger) : IConsumer<PaymentAdjusted>
{
    public async Task Consume(ConsumeContext<PaymentAdjusted> context)
    {
        AdjustmentAnswer? answer = null;
        await inbox.OnceAsync(context, "payment-adjusted", async (db, cancellationToken) =>
            answer = await ledger.AdjustPaymentAsync(db, context.Message, cancellationToken));
        if (answer is null)
            return;
        metrics.PaymentAdjusted(answer);
        Log.Adjusted(logger, context.Message.Revision, context.Message.OrderId, answer.Result, answer.Revoked, answer.Restored);
    }

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Information, "Revision {Revision} of order {OrderId}: {Result}, {Revoked} revoked, {Restored} restored", EventName = "payment_adjusted")]
        public static partial void Adjusted(ILogger logger, long revision, Guid orderId, string result, int revoked, int restored);
    }
}
