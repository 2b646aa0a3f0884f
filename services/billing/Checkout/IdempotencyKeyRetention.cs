using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Checkout;

/// <summary>Forgets idempotency keys once an hour when their time is over.</summary>
internal sealed partial class IdempotencyKeyRetention(
    IDbContextFactory<BillingDb> databases, Sweeps sweeps, TimeProvider time, ILogger<IdempotencyKeyRetention> logger) : BackgroundService
{
    private const string SweepName = "idempotency_keys";
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    internal async Task<int> ForgetAsync(CancellationToken cancellationToken)
    {
        var before = time.GetUtcNow() - IdempotencyKey.KeptFor;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.IdempotencyKeys.Where(row => row.CreatedAt < before).ExecuteDeleteAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        sweeps.Expect(SweepName, Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await ForgetAsync(stoppingToken);
                sweeps.Succeeded(SweepName);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                sweeps.Failed(SweepName);
                Log.Failed(logger, error);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Old idempotency keys could not be removed; trying again in an hour", EventName = "idempotency_keys_kept")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
