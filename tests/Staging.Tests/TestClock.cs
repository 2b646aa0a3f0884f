namespace HomeStage.Staging.Tests;

/// <summary>The real clock, which a test may put forward. Timers run on the real one.</summary>
internal sealed class TestClock : TimeProvider
{
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    internal void Pass(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);
}
