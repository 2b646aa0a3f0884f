using HomeStage.Hosting;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Entitlements.Credits;

/// <summary>
/// Writes the expiry entries that are due. Balances are right without it, because everything that touches an account does the same first;
/// this is for accounts that nobody touches. Any number of replicas may sweep.
/// </summary>
internal sealed partial class ExpirySweep(Ledger ledger, Sweeps sweeps, TimeProvider time, ILogger<ExpirySweep> logger)
    : RecurringWork("credit_expiry", TimeSpan.FromMinutes(1), sweeps, time)
{
    private const int AccountsAtOnce = 100;

    /// <summary>Expires all that is due now; returns how many credits that were.</summary>
    internal async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var expired = 0;
        ExpiryAnswer answer;
        do
        {
            answer = await ledger.ExpireDueAsync(AccountsAtOnce, cancellationToken);
            expired += answer.Expired;
        }
        while (answer.Accounts > 0);
        return expired;
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        if (await SweepAsync(cancellationToken) is > 0 and var expired)
            Log.Swept(logger, expired);
        return true;
    }

    protected override void Failed(Exception error) => Log.SweepFailed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Credits} credits expired", EventName = "credits_expired")]
        public static partial void Swept(ILogger logger, int credits);

        [LoggerMessage(2, LogLevel.Warning, "Credits that are due could not be expired; trying again", EventName = "expiry_failed")]
        public static partial void SweepFailed(ILogger logger, Exception exception);
    }
}

internal static class ExpirySweepExtensions
{
    internal static void AddExpirySweep(this ServiceBuilder service)
    {
        service.Services.AddSingleton<ExpirySweep>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<ExpirySweep>());
    }
}
