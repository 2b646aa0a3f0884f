using HomeStage.Hosting.Redis;
using Npgsql;

namespace HomeStage.Staging.Events;

/// <summary>
/// Carries wakes between replicas: by one Redis channel, and for when Redis is away by looking each second at what was
/// committed lately, one query for all streams of the replica.
/// </summary>
internal sealed partial class EventRelay(EventHub hub, RedisConnection redis, NpgsqlDataSource dataSource, TimeProvider time, ILogger<EventRelay> logger)
    : BackgroundService
{
    /// <summary>Payload: the ids of those that have new events (an account, and a job or a listing of it), with spaces between.</summary>
    internal const string Channel = "homestage:staging:events";

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(SubscribeAsync(stoppingToken), PublishAsync(stoppingToken), PollAsync(stoppingToken));

    private async Task SubscribeAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await redis.SubscribeAsync(Channel, Received).WaitAsync(TimeSpan.FromSeconds(5), time, stoppingToken);
                return;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotSubscribed(logger, error);
                await Task.Delay(PollInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Received(string payload)
    {
        foreach (var id in payload.Split(' '))
        {
            if (Guid.TryParse(id, out var subject))
                hub.Wake(subject);
        }
    }

    private async Task PublishAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var announcement in hub.Outgoing.ReadAllAsync(stoppingToken))
            {
                try
                {
                    await redis.PublishAsync(Channel, string.Join(' ', announcement.Subjects), stoppingToken);
                }
                catch (RedisUnavailableException)
                {
                    // The other replicas poll.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    private async Task PollAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!await timer.WaitForNextTickAsync(stoppingToken))
                    return;
                if (hub.HasSubscriptions)
                    await WakeThoseBehindAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotPolled(logger, error);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task WakeThoseBehindAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            select account_id, max(account_n), job_id, max(n), listing_id, max(listing_n) from events
            where recorded_at > clock_timestamp() - interval '5 seconds' group by account_id, job_id, listing_id
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            hub.WakeIfBehind(reader.GetGuid(0), reader.GetInt64(1));
            foreach (var column in (int[])[2, 4])
            {
                if (!await reader.IsDBNullAsync(column, cancellationToken))
                    hub.WakeIfBehind(reader.GetGuid(column), reader.GetInt64(column + 1));
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Redis cannot be subscribed to; streams are woken by polling", EventName = "wake_subscription_failed")]
        public static partial void NotSubscribed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Recent events cannot be read; trying again", EventName = "event_poll_failed")]
        public static partial void NotPolled(ILogger logger, Exception exception);
    }
}
