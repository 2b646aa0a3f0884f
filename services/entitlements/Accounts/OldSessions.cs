using HomeStage.Hosting;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Removes the rows of sessions that ended long ago. Any number of replicas may do so.</summary>
internal sealed partial class OldSessions(
    IDbContextFactory<EntitlementsDb> databases, Sweeps sweeps, TimeProvider time, ILogger<OldSessions> logger)
    : RecurringWork("old_sessions", TimeSpan.FromHours(1), sweeps, time)
{
    internal async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"select forget_sessions({Time.GetUtcNow()})", cancellationToken);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await ForgetAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.Kept(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Sessions that are over could not be removed; trying again in an hour", EventName = "sessions_kept")]
        public static partial void Kept(ILogger logger, Exception exception);
    }
}

internal static class OldSessionsExtensions
{
    internal static void AddOldSessions(this ServiceBuilder service)
    {
        service.Services.AddSingleton<OldSessions>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<OldSessions>());
    }
}
