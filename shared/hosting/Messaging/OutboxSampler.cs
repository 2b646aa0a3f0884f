using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using Npgsql;

namespace HomeStage.Hosting.Messaging;

/// <summary>How many messages wait in the outbox, and for how long the oldest has.</summary>
internal sealed class OutboxSampler : Sampler<OutboxSampler.Figures>
{
    private readonly NpgsqlDataSource _dataSource;

    public OutboxSampler(NpgsqlDataSource dataSource, IMeterFactory meters, Sweeps sweeps)
        : base("outbox_sample", sweeps)
    {
        _dataSource = dataSource;
        var meter = meters.Create("HomeStage.Messaging");
        meter.CreateObservableGauge("homestage.outbox.pending", () => Latest is { } now ? [new(now.Pending)] : (Measurement<long>[])[], "{message}", "Messages that wait in the outbox for the broker's confirmation.");
        meter.CreateObservableGauge("homestage.outbox.oldest.age", () => Latest is { } now ? [new(now.OldestAge)] : (Measurement<double>[])[], "s", "Age of the oldest message in the outbox; 0 when it is empty.");
    }

    protected override async Task<Figures> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = _dataSource.CreateCommand(
            "select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 from outbox");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), Math.Max(0, reader.GetDouble(1)));
    }

    internal sealed record Figures(long Pending, double OldestAge);
}
