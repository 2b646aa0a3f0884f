using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;

namespace HomeStage.Entitlements.Credits;

/// <summary>Ends a job's hold. The hold decides that it happens once, and the first settlement stands.</summary>
internal sealed partial class StagingSettledConsumer(
    Inbox<EntitlementsDb> inbox, Ledger ledger, CreditMetrics metrics, ILogger<StagingSettledConsumer> logger) : IConsumer<StagingSettled>
{
    public async Task Consume(ConsumeContext<StagingSettled> context)
    {
        SettlementAnswer? answer = null;
        await inbox.OnceAsync(context, "staging-settled", async (db, cancellationToken) =>
            answer = await ledger.SettleHoldAsync(db, context.Message, cancellationToken));
        if (answer is null)
            return;
        metrics.Settled(answer);
        if (answer.Result == "contradicted")
            Log.Contradicted(logger, context.Message.JobId);
        else
            Log.Settled(logger, context.Message.JobId, answer.Result, answer.Captured, answer.Released);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Settlement of job {JobId}: {Result}, {Captured} captured, {Released} released", EventName = "hold_settled")]
        public static partial void Settled(ILogger logger, Guid jobId, string result, int captured, int released);

        [LoggerMessage(2, LogLevel.Error, "Job {JobId} was settled before with other figures; the first settlement stands", EventName = "settlement_contradicted")]
        public static partial void Contradicted(ILogger logger, Guid jobId);
    }
}
