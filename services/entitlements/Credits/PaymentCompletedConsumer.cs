using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;

namespace HomeStage.Entitlements.Credits;

/// <summary>Grants what an order paid for. The order decides that it happens once; the inbox only spares the work.</summary>
internal sealed partial class PaymentCompletedConsumer(
    Inbox<EntitlementsDb> inbox, Ledger ledger, CreditMetrics metrics, ILogger<PaymentCompletedConsumer> logger) : IConsumer<PaymentCompleted>
{
    public async Task Consume(ConsumeContext<PaymentCompleted> context)
    {
        PaymentApplied? applied = null;
        await inbox.OnceAsync(context, "payment-completed", async (db, cancellationToken) =>
            applied = await ledger.ApplyPaymentAsync(db, context.Message, cancellationToken));
        if (applied is null)
            return;
        metrics.PaymentApplied(applied);
        Log.Applied(logger, context.Message.OrderId, applied.Granted);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Payment of order {OrderId} granted {Credits} credits", EventName = "payment_applied")]
        public static partial void Applied(ILogger logger, Guid orderId, int credits);
    }
}
