using System.Diagnostics.Metrics;

namespace HomeStage.Hosting.Telemetry;

/// <summary>Histograms of time.</summary>
public static class Durations
{
    /// <summary>Upper ends of the buckets, in seconds: from a statement in the database to a long provider call. The bars of alerts are among them.</summary>
    private static readonly double[] Buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600];

    /// <summary>A histogram in seconds. Left to themselves its buckets would be made for milliseconds.</summary>
    public static Histogram<double> CreateDuration(this Meter meter, string name, string unit, string description)
    {
        ArgumentNullException.ThrowIfNull(meter);
        return meter.CreateHistogram(name, unit, description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Buckets });
    }
}
