using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// Work that repeats by itself and that nobody would miss at once: when each last succeeded and how often it should, so that one alert
/// finds whatever has stopped.
/// </summary>
public sealed class Sweeps : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _failures;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, Sweep> _all = new(StringComparer.Ordinal);

    /// <summary>Creates the instruments.</summary>
    public Sweeps(IMeterFactory meters, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(meters);
        _time = time;
        _meter = meters.Create("HomeStage.Sweeps");
        _failures = _meter.CreateCounter<long>("homestage.sweeps.failures", "{run}", "Runs of recurring work that failed, by `sweep`.");
        _meter.CreateObservableGauge(
            "homestage.sweeps.last_success.timestamp", () => Each(sweep => sweep.LastSuccess.ToUnixTimeMilliseconds() / 1000.0), "s",
            "When recurring work last succeeded here, or was first expected, in Unix time, by `sweep`.");
        _meter.CreateObservableGauge(
            "homestage.sweeps.period", () => Each(sweep => sweep.Period.TotalSeconds), "s", "How often recurring work should succeed, by `sweep`.");
    }

    /// <summary>From now on the work is expected to succeed once in every period.</summary>
    /// <param name="sweep">Its name, as it stands in the metrics.</param>
    /// <param name="period">The time from one run to the next, the longest that is normal.</param>
    public void Expect(string sweep, TimeSpan period)
    {
        _all[sweep] = new Sweep(period, _time.GetUtcNow());
        _failures.Add(0, new KeyValuePair<string, object?>("sweep", sweep));
    }

    /// <summary>A run succeeded.</summary>
    public void Succeeded(string sweep) => _all[sweep] = _all[sweep] with { LastSuccess = _time.GetUtcNow() };

    /// <summary>A run failed.</summary>
    public void Failed(string sweep) => _failures.Add(1, new KeyValuePair<string, object?>("sweep", sweep));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<double>> Each(Func<Sweep, double> value) =>
        _all.Select(entry => new Measurement<double>(value(entry.Value), new KeyValuePair<string, object?>("sweep", entry.Key)));

    private sealed record Sweep(TimeSpan Period, DateTimeOffset LastSuccess);
}
