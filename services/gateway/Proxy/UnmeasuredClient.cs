using System.Diagnostics.Metrics;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Keeps the client's own metrics of forwarded requests from being measured: each is counted and timed where it comes in, and once more by the
/// service that answers it.
/// </summary>
internal sealed class UnmeasuredClient : IMeterFactory
{
    private readonly Meter _meter = new("Unmeasured");

    public Meter Create(MeterOptions options) => _meter;

    public void Dispose() => _meter.Dispose();
}
