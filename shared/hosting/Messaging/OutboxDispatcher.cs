using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;
using MassTransit;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// Sends what the outbox holds: leases up to 100 available rows, publishes them outside any transaction, deletes what the broker
/// confirmed, and puts back singly what failed. Equal messages of a batch are sent once: every consumer is idempotent by what a message
/// says. Any number of replicas may run; none keeps a cursor, because identities commit out of order.
/// </summary>
internal sealed partial class OutboxDispatcher : RecurringWork
{
    private const int BatchSize = 100;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Between two looks, so that a busy service sends batches; the first message after a quiet moment does not wait.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);
    private static readonly ActivitySource Source = new("HomeStage.Messaging");
    private static readonly Meter Meter = new("HomeStage.Messaging");
    private static readonly Histogram<double> Lag = Meter.CreateDuration(
        "homestage.outbox.lag", "s", "Time from a message's row to the broker's confirmation.");

    // A broker that is away is tried again soon, so that service returns with it; a message that it will not take waits ever longer.
    private static readonly (Outcome Outcome, string Sql)[] Consequences =
    [
        (Outcome.Confirmed, "delete from outbox where id = any($1)"),
        (Outcome.BrokerAway, "update outbox set available_at = now() + interval '1 s' where id = any($1)"),
        (Outcome.Refused, "update outbox set available_at = now() + least(30, 0.25 * 2 ^ least(attempts, 8)) * interval '1 s' where id = any($1)"),
    ];

    private readonly NpgsqlDataSource _dataSource;
    private readonly Outbox _outbox;
    private readonly BusPublisher _publisher;
    private readonly ILogger<OutboxDispatcher> _logger;
    private readonly Dictionary<string, Type> _types;
    private bool _sent;

    public OutboxDispatcher(
        NpgsqlDataSource dataSource, Outbox outbox, BusPublisher publisher, BusTopology topology, Sweeps sweeps, TimeProvider time, ILogger<OutboxDispatcher> logger)
        : base("outbox_dispatch", PollInterval, sweeps, time)
    {
        (_dataSource, _outbox, _publisher, _logger) = (dataSource, outbox, publisher, logger);
        _types = topology.Published.ToDictionary(type => type.Name, StringComparer.Ordinal);
    }

    protected override TimeSpan RetryAfter => TimeSpan.FromSeconds(1);

    /// <summary>A broker that is away may hold up one look for so long.</summary>
    protected override TimeSpan Expected => TimeSpan.FromSeconds(30);

    /// <summary>One look at the outbox; returns how many rows it leased.</summary>
    internal async Task<int> DispatchAsync(CancellationToken cancellationToken)
    {
        var rows = await LeaseAsync(cancellationToken);
        if (rows.Count == 0)
            return 0;
        // From here on a stop cuts nothing off: what is left in the middle waits for its lease to end, at every restart.
        var messages = rows.GroupBy(row => (row.MessageType, row.Body)).Select(equal => equal.ToList()).ToList();
        var outcomes = await Task.WhenAll(messages.Select(equal => TryPublishAsync(equal[0])));
        foreach (var (outcome, sql) in Consequences)
        {
            var ids = messages.Where((_, index) => outcomes[index] == outcome).SelectMany(equal => equal.Select(row => row.Id)).ToArray();
            if (ids.Length > 0)
                await ExecuteAsync(sql, ids);
        }

        return rows.Count;
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        int sent;
        while ((sent = await DispatchAsync(cancellationToken)) == BatchSize)
        {
            // There may be more.
        }

        _sent = sent > 0;
        return true;
    }

    protected override async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (_sent)
            await Task.Delay(Pace, TimeProvider.System, cancellationToken);
        await _outbox.WaitAsync(PollInterval, cancellationToken);
    }

    protected override void Failed(Exception error) => Log.DispatchFailed(_logger, error);

    private async Task<List<Row>> LeaseAsync(CancellationToken cancellationToken)
    {
        // The lease outlasts the publisher's limit, so that a live dispatcher's rows are not taken by another.
        await using var batch = Relaxed(new NpgsqlBatchCommand($"""
            update outbox set available_at = now() + interval '30 s', attempts = attempts + 1
            where id in (select id from outbox where available_at <= now() order by available_at, id limit {BatchSize} for update skip locked)
            returning id, message_id, message_type, body, trace_parent, created_at
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        var rows = new List<Row>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new Row(
                reader.GetInt64(0),
                reader.GetGuid(1),
                reader.GetString(2),
                reader.GetString(3),
                await reader.IsDBNullAsync(4, cancellationToken) ? null : reader.GetString(4),
                reader.GetFieldValue<DateTimeOffset>(5)));
        }

        rows.Sort((left, right) => left.Id.CompareTo(right.Id));
        return rows;
    }

    private async Task<Outcome> TryPublishAsync(Row row)
    {
        var parent = ActivityContext.TryParse(row.TraceParent, null, out var context) ? context : default;
        using var activity = Source.StartActivity("outbox publish", ActivityKind.Internal, parent);
        try
        {
            if (!_types.TryGetValue(row.MessageType, out var type))
                throw new InvalidOperationException($"This service does not publish {row.MessageType}.");
            var message = JsonSerializer.Deserialize(row.Body, type, Outbox.Json)!;
            await _publisher.PublishAsync(message, row.MessageId, CancellationToken.None);
            Lag.Record((Time.GetUtcNow() - row.CreatedAt).TotalSeconds);
            return Outcome.Confirmed;
        }
        catch (Exception error)
        {
            Log.PublishFailed(_logger, row.MessageType, row.MessageId, error);
            return error is MessageReturnedException or JsonException or (InvalidOperationException and not ObjectDisposedException) ? Outcome.Refused : Outcome.BrokerAway;
        }
    }

    private async Task ExecuteAsync(string sql, long[] ids)
    {
        await using var batch = Relaxed(new NpgsqlBatchCommand(sql) { Parameters = { new NpgsqlParameter { Value = ids } } });
        await batch.ExecuteNonQueryAsync(CancellationToken.None);
    }

    /// <summary>
    /// A commit that does not wait for the disk. If the server dies before it is there, rows that were leased or deleted are back, and their
    /// messages are sent again; nothing else can be lost by it.
    /// </summary>
    private NpgsqlBatch Relaxed(NpgsqlBatchCommand command)
    {
        var batch = _dataSource.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select set_config('synchronous_commit', 'off', true)"));
        batch.BatchCommands.Add(command);
        return batch;
    }

    private enum Outcome
    {
        Confirmed,
        BrokerAway,
        Refused,
    }

    private sealed record Row(long Id, Guid MessageId, string MessageType, string Body, string? TraceParent, DateTimeOffset CreatedAt);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The outbox cannot be read; trying again", EventName = "outbox_unreadable")]
        public static partial void DispatchFailed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "{MessageType} {MessageId} was not confirmed; it stays in the outbox", EventName = "outbox_unconfirmed")]
        public static partial void PublishFailed(ILogger logger, string messageType, Guid messageId, Exception exception);
    }
}
