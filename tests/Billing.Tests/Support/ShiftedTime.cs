namespace HomeStage.Billing.Tests.Support;

/// <summary>The real clock, moved. Timers run as they always do.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private TimeSpan _shift;
    private DateTimeOffset? _stopped;

    public void Advance(TimeSpan by) => _shift += by;

    /// <summary>Holds the clock at an instant.</summary>
    public void StopAt(DateTimeOffset instant) => _stopped = instant;

    public override DateTimeOffset GetUtcNow() => _stopped ?? (base.GetUtcNow() + _shift);
}
