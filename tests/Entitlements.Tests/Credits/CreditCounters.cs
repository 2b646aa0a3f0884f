using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>Listens to what one running service counts; other services in this process have meters of the same name.</summary>
internal sealed class CreditCounters : IDisposable
{
    private const string Prefix = "homestage.credits.";
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _totals = new(StringComparer.Ordinal);

    internal CreditCounters(IMeterFactory meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters) && instrument.Name.StartsWith(Prefix, StringComparison.Ordinal))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            _totals.AddOrUpdate(instrument.Name[Prefix.Length..], value, (_, total) => total + value));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    public override string ToString() => string.Join(
        ", ", _totals.Where(total => total.Value > 0).OrderBy(total => total.Key, StringComparer.Ordinal).Select(total => $"{total.Key} {total.Value}"));
}
