using System.Diagnostics.Metrics;
using HomeStage.Entitlements.Support;
using HomeStage.Hosting;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Credits;

/// <summary>How often the whole ledger is checked: <c>LEDGER_CHECK_SECONDS</c>.</summary>
internal sealed record LedgerWatchSettings(TimeSpan Interval);

/// <summary>
/// Checks again and again, in every replica, that every rule of the ledger holds, and shows how many rows break one. It reads every entry
/// that there is and locks nothing.
/// </summary>
internal sealed partial class LedgerWatch : RecurringWork
{
    private readonly IDbContextFactory<EntitlementsDb> _databases;
    private readonly ILogger<LedgerWatch> _logger;
    private int? _violations;

    public LedgerWatch(
        IDbContextFactory<EntitlementsDb> databases, LedgerWatchSettings settings, IMeterFactory meters, Sweeps sweeps, TimeProvider time, ILogger<LedgerWatch> logger)
        : base("ledger_check", settings.Interval, sweeps, time)
    {
        (_databases, _logger) = (databases, logger);
        meters.Create("HomeStage.Entitlements").CreateObservableGauge(
            "homestage.ledger.violations", () => _violations is { } count ? [new(count)] : (Measurement<int>[])[], "{row}", "Rows that broke a rule of the ledger when it was last checked. Anything but 0 wants a person.");
    }

    /// <summary>Checks once.</summary>
    internal async Task CheckAsync(CancellationToken cancellationToken)
    {
        await using var db = await _databases.CreateDbContextAsync(cancellationToken);
        var found = await LedgerCheck.FindAsync(db, cancellationToken);
        foreach (var violation in found)
            Log.Broken(_logger, violation.Rule, violation.Subject);
        _violations = found.Count;
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await CheckAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.NotChecked(_logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Critical, "A rule of the ledger is broken: {Rule} ({Subject})", EventName = "ledger_broken")]
        public static partial void Broken(ILogger logger, string rule, string subject);

        [LoggerMessage(2, LogLevel.Warning, "The ledger could not be checked; trying again at the next turn", EventName = "ledger_not_checked")]
        public static partial void NotChecked(ILogger logger, Exception exception);
    }
}

internal static class LedgerWatchExtensions
{
    /// <summary>Adds the recurring check; reads <c>LEDGER_CHECK_SECONDS</c>.</summary>
    internal static void AddLedgerWatch(this ServiceBuilder service)
    {
        service.Services.AddSingleton(new LedgerWatchSettings(
            service.Settings.Seconds("LEDGER_CHECK_SECONDS", 900, 10, 86_400, "how often every rule of the ledger is checked")));
        service.Services.AddSingleton<LedgerWatch>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<LedgerWatch>());
    }
}
