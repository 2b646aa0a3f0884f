namespace HomeStage.Gateway.Tests.Scene;

/// <summary>A clock that moves when a test says so. It begins now, since certificates and tokens are real.</summary>
public sealed class ManualTime : TimeProvider
{
    private long _ticks = DateTimeOffset.UtcNow.UtcTicks;

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public void Advance(TimeSpan by) => Interlocked.Add(ref _ticks, by.Ticks);
}
