using System.Diagnostics.Metrics;

namespace HomeStage.Hosting.Redis;

/// <summary>How Redis fares, as seen from here.</summary>
internal sealed class RedisMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _failures;
    private int _open;

    public RedisMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("HomeStage.Redis");
        _failures = _meter.CreateCounter<long>("homestage.redis.failures", "{call}", "Calls that Redis did not answer, by `reason`: timeout, error, breaker, crowded.");
        _meter.CreateObservableGauge("homestage.redis.breaker.open", () => Volatile.Read(ref _open), "{breaker}", "Whether calls to Redis fail at once now, because those before did: 1 or 0.");
        foreach (var reason in (ReadOnlySpan<string>)["timeout", "error", "breaker", "crowded"])
            _failures.Add(0, new KeyValuePair<string, object?>("reason", reason));
    }

    public void Failed(string reason) => _failures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void BreakerChanged(bool open) => Volatile.Write(ref _open, open ? 1 : 0);

    public void Dispose() => _meter.Dispose();
}
