using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Checkout;

/// <summary>Forgets idempotency keys once an hour when their time is over.</summary>
internal sealed partial class IdempotencyKeyRetention(
    IDbContextFactory<BillingDb> databases, Sweeps sweeps, TimeProvider time, ILogger<IdempotencyKeyRetention> logger)
    : RecurringWork("idempotency_keys", TimeSpan.FromHours(1), sweeps, time)
{
    internal async Task<int> ForgetAsync(CancellationToken cancellationToken)
    {
        var before = Time.GetUtcNow() - IdempotencyKey.KeptFor;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.IdempotencyKeys.Where(row => row.CreatedAt < before).ExecuteDeleteAsync(cancellationToken);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await ForgetAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Old idempotency keys could not be removed; trying again in an hour", EventName = "idempotency_keys_kept")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
