using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using Npgsql;

namespace HomeStage.Billing.Webhooks;

/// <summary>How many of Stripe's events are stored and not yet applied, and for how long the oldest.</summary>
internal sealed class WaitingEventsSampler : Sampler<WaitingEventsSampler.Figures>
{
    private readonly NpgsqlDataSource _dataSource;
    private readonly TimeProvider _time;

    public WaitingEventsSampler(NpgsqlDataSource dataSource, IMeterFactory meters, Sweeps sweeps, TimeProvider time)
        : base("waiting_events_sample", sweeps)
    {
        (_dataSource, _time) = (dataSource, time);
        var meter = meters.Create("HomeStage.Billing");
        meter.CreateObservableGauge("homestage.billing.waiting_events", () => Latest is { } now ? [new(now.Count)] : (Measurement<long>[])[], "{event}", "Events of Stripe that are stored and wait to be applied.");
        meter.CreateObservableGauge("homestage.billing.waiting_events.oldest.age", () => Latest is { } now ? [new(now.OldestAge)] : (Measurement<double>[])[], "s", "Age of the oldest event that waits to be applied; 0 when none does.");
    }

    protected override async Task<Figures> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = _dataSource.CreateCommand(
            "select count(*), coalesce(extract(epoch from $1 - min(received_at)), 0)::float8 from stripe_events where state = 'waiting'");
        command.Parameters.Add(new() { Value = _time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), Math.Max(0, reader.GetDouble(1)));
    }

    internal sealed record Figures(long Count, double OldestAge);
}
