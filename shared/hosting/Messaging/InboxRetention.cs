using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Forgets once an hour which messages were received more than 14 days ago. In steps that stay within the time of a command however many
/// there are, and beside the dispatch, which waits for nothing here.
/// </summary>
internal sealed partial class InboxRetention(NpgsqlDataSource dataSource, Sweeps sweeps, TimeProvider time, ILogger<InboxRetention> logger)
    : RecurringWork("inbox", TimeSpan.FromHours(1), sweeps, time)
{
    private const int ManyAtOnce = 5000;

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"delete from inbox where ctid = any(array(select ctid from inbox where received_at < now() - interval '14 days' limit {ManyAtOnce}))");
        while (await command.ExecuteNonQueryAsync(cancellationToken) == ManyAtOnce)
        {
            // There may be more.
        }

        return true;
    }

    protected override void Failed(Exception error) => Log.Failed(logger, error);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Messages of long ago could not be forgotten; trying again in an hour", EventName = "inbox_kept")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
