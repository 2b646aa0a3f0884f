using System.Diagnostics.Metrics;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// Makes meters that belong to one host alone, where several run in one process. OpenTelemetry takes meters of the same name for one: the host
/// that ended first would take the others' metrics with it.
/// </summary>
internal sealed class SeparateMeters : IMeterFactory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Meter> _meters = new(StringComparer.Ordinal);
    private readonly string _host = Guid.NewGuid().ToString();

    public Meter Create(MeterOptions options)
    {
        lock (_gate)
        {
            if (!_meters.TryGetValue(options.Name, out var meter))
            {
                _meters[options.Name] = meter = new Meter(new MeterOptions(options.Name)
                {
                    Version = options.Version,
                    Tags = [.. options.Tags ?? [], new("host", _host)],
                    Scope = this,
                });
            }

            return meter;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var meter in _meters.Values)
                meter.Dispose();
            _meters.Clear();
        }
    }
}
