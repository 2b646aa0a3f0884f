namespace HomeStage.Staging.Tests;

/// <summary>The real clock, which a test may put forward. Timers run on the real one.</summary>
internal sealed class TestClock : TimeProvider
{
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    internal void Pass(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);

    /// <summary>Puts it forward for a while: files keep the real time, so that those of a later test would be old when they are made.</summary>
    internal IDisposable Ahead(TimeSpan time)
    {
        Pass(time);
        return new Back(this, time);
    }

    private sealed class Back(TestClock clock, TimeSpan time) : IDisposable
    {
        public void Dispose() => clock.Pass(-time);
    }
}
