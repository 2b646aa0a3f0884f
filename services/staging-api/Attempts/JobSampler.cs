using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;
using Npgsql;

namespace HomeStage.Staging.Attempts;

/// <summary>How many jobs have not ended, by status, and since when the oldest of each status was submitted.</summary>
internal sealed class JobSampler : Sampler<IReadOnlyDictionary<string, JobSampler.Figures>>
{
    private static readonly string[] Statuses = ["accepted", "queued", "running"];
    private static readonly Figures None = new(0, 0);

    private readonly NpgsqlDataSource _dataSource;
    private readonly TimeProvider _time;

    public JobSampler(NpgsqlDataSource dataSource, IMeterFactory meters, Sweeps sweeps, TimeProvider time)
        : base("job_sample", sweeps)
    {
        (_dataSource, _time) = (dataSource, time);
        var meter = meters.Create("HomeStage.Staging");
        meter.CreateObservableGauge("homestage.stagings.open", () => Each(jobs => jobs.Count), "{job}", "Jobs that have not ended, by `status`.");
        meter.CreateObservableGauge("homestage.stagings.oldest.age", () => Each(jobs => jobs.OldestAge), "s", "Age of the oldest job that has not ended, by `status`; 0 when there is none.");
    }

    protected override async Task<IReadOnlyDictionary<string, Figures>> ReadAsync(CancellationToken cancellationToken)
    {
        // Jobs that have not ended are those that are due some day; of those alone there is an index.
        await using var command = _dataSource.CreateCommand(
            "select status, count(*), extract(epoch from $1 - min(created_at))::float8 from jobs where due_at is not null group by status");
        command.Parameters.Add(new() { Value = _time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var jobs = new Dictionary<string, Figures>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
            jobs.Add(reader.GetString(0), new(reader.GetInt64(1), Math.Max(0, reader.GetDouble(2))));
        return jobs;
    }

    private IEnumerable<Measurement<double>> Each(Func<Figures, double> figure) => Latest is { } jobs
        ? Statuses.Select(status => new Measurement<double>(figure(jobs.GetValueOrDefault(status, None)), new KeyValuePair<string, object?>("status", status)))
        : [];

    internal sealed record Figures(long Count, double OldestAge);
}
