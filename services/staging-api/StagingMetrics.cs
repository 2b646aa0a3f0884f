using System.Diagnostics.Metrics;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Staging;

/// <summary>Facts about photos, jobs and streams, counted.</summary>
internal sealed class StagingMetrics
{
    private readonly Counter<long> _submissions;
    private readonly Counter<long> _endings;
    private readonly Counter<long> _attempts;
    private readonly Counter<long> _sends;
    private readonly Counter<long> _photos;
    private readonly Counter<long> _orphans;
    private readonly Counter<long> _expired;
    private readonly Histogram<double> _durations;
    private readonly Histogram<double> _waits;
    private readonly UpDownCounter<long> _streams;

    public StagingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("HomeStage.Staging");
        _submissions = meter.CreateCounter<long>("homestage.stagings.submitted", "{job}", "Submissions, by `answer`: queued, or the code of the refusal.");
        _endings = meter.CreateCounter<long>("homestage.stagings.ended", "{job}", "Jobs that ended, by `outcome` and `error`.");
        _attempts = meter.CreateCounter<long>("homestage.attempts.ended", "{attempt}", "Attempts that ended, by `outcome`: delivered, lease_lost, or the code of the failure.");
        _sends = meter.CreateCounter<long>("homestage.attempts.sent", "{message}", "Attempts sent to the workers, repetitions included.");
        _photos = meter.CreateCounter<long>("homestage.photos", "{photo}", "Photos that were sent, by `verdict`: accepted, no_room, or why one cannot be used.");
        _orphans = meter.CreateCounter<long>("homestage.blobs.orphans_removed", "{file}", "Files that nothing pointed at any more, by `kind` of owner.");
        _expired = meter.CreateCounter<long>("homestage.retention.removed", "{item}", "What was kept for its time and removed, by `kind`.");
        _durations = meter.CreateDuration("homestage.stagings.duration", "s", "From queued to succeeded.");
        _waits = meter.CreateDuration("homestage.stagings.wait", "s", "From queued to the first claim by a worker.");
        _streams = meter.CreateUpDownCounter<long>("homestage.streams.open", "{stream}", "Open event streams.");
        _streams.Add(0);
        AttemptsEnded(0, "lease_lost");
    }

    public void Submitted(string answer) => _submissions.Add(1, new KeyValuePair<string, object?>("answer", answer));

    public void Ended(string outcome, string? error, TimeSpan? duration)
    {
        _endings.Add(1, new KeyValuePair<string, object?>("outcome", outcome), new KeyValuePair<string, object?>("error", error ?? ""));
        if (outcome == "succeeded" && duration is { } time)
            _durations.Record(time.TotalSeconds);
    }

    public void Claimed(TimeSpan wait) => _waits.Record(wait.TotalSeconds);

    public void AttemptEnded(string outcome) => AttemptsEnded(1, outcome);

    public void AttemptSent() => _sends.Add(1);

    public void PhotoRead(string verdict) => _photos.Add(1, new KeyValuePair<string, object?>("verdict", verdict));

    public void OrphanRemoved(string kind) => _orphans.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void Expired(string kind, int count) => _expired.Add(count, new KeyValuePair<string, object?>("kind", kind));

    public void StreamOpened() => _streams.Add(1);

    public void StreamClosed() => _streams.Add(-1);

    private void AttemptsEnded(int count, string outcome) => _attempts.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
}
