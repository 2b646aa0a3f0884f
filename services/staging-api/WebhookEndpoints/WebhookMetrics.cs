using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using Npgsql;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>Facts about deliveries to customers' programs, counted.</summary>
internal sealed class WebhookMetrics
{
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _disabled;
    private readonly Histogram<double> _durations;

    public WebhookMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("HomeStage.Webhooks");
        _attempts = meter.CreateCounter<long>("homestage.webhooks.attempts", "{attempt}", "Attempts to tell customers' programs of an event, by `outcome`: succeeded, the class of the status, or why there was no answer.");
        _disabled = meter.CreateCounter<long>("homestage.webhooks.endpoints_disabled", "{endpoint}", "Customers' endpoints that were disabled by us, by `reason`.");
        _durations = meter.CreateDuration("homestage.webhooks.duration", "s", "How long customers' programs took to answer.");
    }

    public void Attempted(WebhookSent sent)
    {
        var outcome = sent.Outcome.Succeeded ? "succeeded" : sent.Error ?? $"{sent.Outcome.Status / 100}xx";
        _attempts.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        if (sent.Outcome.Status is not null)
            _durations.Record(sent.Duration.TotalSeconds);
    }

    public void Disabled(string reason) => _disabled.Add(1, new KeyValuePair<string, object?>("reason", reason));
}

/// <summary>How many deliveries are due at endpoints that nothing is wrong with, and for how long.</summary>
internal sealed class WebhookSampler : Sampler<WebhookSampler.Figures>
{
    private readonly NpgsqlDataSource _dataSource;
    private readonly TimeProvider _time;

    public WebhookSampler(NpgsqlDataSource dataSource, IMeterFactory meters, Sweeps sweeps, TimeProvider time)
        : base("webhook_sample", sweeps)
    {
        (_dataSource, _time) = (dataSource, time);
        var meter = meters.Create("HomeStage.Webhooks");
        meter.CreateObservableGauge("homestage.webhooks.due", () => Shown(figures => figures.Due), "{delivery}", "Deliveries that are due at endpoints that do not fail.");
        meter.CreateObservableGauge("homestage.webhooks.due.oldest.age", () => Shown(figures => figures.OldestAge), "s", "For how long the oldest of them has been due.");
    }

    protected override async Task<Figures> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = _dataSource.CreateCommand(
            """
            select count(*), coalesce(extract(epoch from $1 - min(d.next_attempt_at)), 0)::float8
            from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
            where d.next_attempt_at <= $1 and e.enabled and e.failing_since is null
            """);
        command.Parameters.Add(new() { Value = _time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), Math.Max(0, reader.GetDouble(1)));
    }

    private IEnumerable<Measurement<double>> Shown(Func<Figures, double> figure) => Latest is { } figures ? [new(figure(figures))] : [];

    internal sealed record Figures(long Due, double OldestAge);
}
