using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Worker;

/// <summary>What the worker counts.</summary>
internal sealed class WorkerMetrics
{
    internal const string MeterName = "HomeStage.Worker";

    private readonly Counter<long> _attempts;
    private readonly Counter<long> _pictures;
    private readonly Counter<long> _pauses;
    private readonly UpDownCounter<int> _inFlight;
    private readonly Histogram<double> _providerTime;
    private readonly Counter<long> _leases;
    private readonly Counter<long> _previews;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _layouts;
    private readonly Histogram<double> _layoutTime;
    private readonly Counter<double> _layoutCost;
    private readonly Meter _meter;

    public WorkerMetrics(IMeterFactory meters)
    {
        var meter = _meter = meters.Create(MeterName);
        _attempts = meter.CreateCounter<long>("homestage.worker.attempts", "{attempt}", "Deliveries of work, by `outcome`.");
        _pictures = meter.CreateCounter<long>("homestage.worker.pictures", "{picture}", "Pictures bought from the provider.");
        _pauses = meter.CreateCounter<long>("homestage.worker.provider.pauses", "{pause}", "Refusals that paused all workers, by `code`.");
        _inFlight = meter.CreateUpDownCounter<int>("homestage.worker.provider.in_flight", "{call}", "Provider calls under way.");
        _providerTime = meter.CreateDuration("homestage.worker.provider.duration", "s", "From calling the provider to its whole answer, and whether it `succeeded`.");
        _leases = meter.CreateCounter<long>("homestage.worker.leases.ended", "{lease}", "Leases that ended under an attempt, in whatever phase, by `reason`.");
        _previews = meter.CreateCounter<long>("homestage.worker.previews", "{preview}", "Partial images of the provider, by `outcome`: shown or dropped.");
        _cost = meter.CreateCounter<double>("homestage.worker.provider.cost", "{dollar}", "What the provider's tokens cost at the configured prices.");
        _layouts = meter.CreateCounter<long>("homestage.worker.layouts", "{layout}", "Looks at a photo before it is staged, by `outcome`.");
        _layoutTime = meter.CreateDuration("homestage.worker.layout.duration", "s", "How long a picture waited for its layout.");
        _layoutCost = meter.CreateCounter<double>("homestage.worker.layout.cost", "{dollar}", "What layouts cost at the configured prices.");
        _inFlight.Add(0);
        _layoutCost.Add(0);
        _pictures.Add(0);
        _cost.Add(0);
    }

    /// <summary>Shows whether this worker knows of a pause now: 1 with its code, or 0.</summary>
    /// <param name="reason">The code of the pause that holds; null when none does.</param>
    public void ObservePause(Func<string?> reason) => _meter.CreateObservableGauge(
        "homestage.worker.provider.paused",
        () => reason() is { } code ? new Measurement<int>(1, new KeyValuePair<string, object?>("code", code)) : new Measurement<int>(0),
        "{pause}", "Whether provider calls are paused now, by `code`: 1, or 0 without a code.");

    /// <summary>A lease was taken away (<c>stopped</c>) or ran out (<c>lost</c>) before its attempt was over.</summary>
    public void LeaseEnded(string reason) => _leases.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>The provider charged for a call.</summary>
    public void Charged(long microdollars) => _cost.Add(microdollars / 1e6);

    /// <summary>A delivery of work is over: <c>staged</c>, <c>recovered</c>, <c>stopped</c>, <c>lease_lost</c>, <c>let_go</c>, a claim's refusal, or a failure's code.</summary>
    public void AttemptEnded(string outcome) => _attempts.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>The provider delivered pictures.</summary>
    public void PicturesBought(int count) => _pictures.Add(count);

    /// <summary>A partial image was <c>shown</c> or <c>dropped</c>.</summary>
    public void Preview(string outcome) => _previews.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    /// <summary>All workers pause.</summary>
    public void Paused(string code) => _pauses.Add(1, new KeyValuePair<string, object?>("code", code));

    /// <summary>
    /// A photo was looked at: <c>found</c>, <c>nothing</c>, <c>known</c> from before; or not, and the picture is made without: <c>busy</c>, <c>paused</c>,
    /// <c>out_of_budget</c>, <c>uncounted</c> (no Redis), <c>refused</c>, <c>truncated</c>, <c>malformed</c>, <c>stopping</c>, or a failure's code.
    /// </summary>
    public void LayoutEnded(string outcome, TimeSpan duration)
    {
        _layouts.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        _layoutTime.Record(duration.TotalSeconds);
    }

    /// <summary>A layout was charged for.</summary>
    public void LayoutCharged(long microdollars) => _layoutCost.Add(microdollars / 1e6);

    /// <summary>A provider call began.</summary>
    public void CallBegan() => _inFlight.Add(1);

    /// <summary>A provider call ended.</summary>
    public void CallEnded(TimeSpan duration, bool succeeded)
    {
        _inFlight.Add(-1);
        _providerTime.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("succeeded", succeeded ? "true" : "false"));
    }
}
