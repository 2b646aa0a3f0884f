namespace HomeStage.Entitlements.Tests;

/// <summary>A clock that stands still until a test moves it. Timers run on the real one.</summary>
internal sealed class TestClock : TimeProvider
{
    private DateTimeOffset _now = new(2030, 1, 15, 9, 0, 0, TimeSpan.Zero);

    internal DateTimeOffset Now => _now;

    public override DateTimeOffset GetUtcNow() => _now;

    internal void Pass(TimeSpan time) => _now += time;
}
