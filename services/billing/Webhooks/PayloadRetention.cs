using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>How long the payload of a settled event is kept: <c>RETENTION_STRIPE_PAYLOAD_DAYS</c>.</summary>
internal sealed record PayloadRetentionSettings(TimeSpan KeptFor);

/// <summary>
/// Empties the payloads of events that were settled long ago: they hold what customers told Stripe. In small steps that each stand for themselves; the
/// database takes no others (<c>empty_payloads</c>).
/// </summary>
internal sealed partial class PayloadRetention(
    IDbContextFactory<BillingDb> databases, PayloadRetentionSettings settings, Sweeps sweeps, TimeProvider time, ILogger<PayloadRetention> logger)
    : RecurringWork("stripe_payloads", TimeSpan.FromHours(1), sweeps, time)
{
    private const int ManyAtOnce = 1000;

    internal async Task EmptyAsync(CancellationToken cancellationToken)
    {
        var before = Time.GetUtcNow() - settings.KeptFor;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        int emptied;
        do
        {
            emptied = await db.Database.SqlQuery<int>($"""select empty_payloads({before}, {ManyAtOnce}) as "Value" """).SingleAsync(cancellationToken);
        }
        while (emptied == ManyAtOnce);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await EmptyAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Old payloads of Stripe's events could not be emptied; trying again in an hour", EventName = "stripe_payloads_kept")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
