using HomeStage.Hosting.Recurring;

namespace HomeStage.Hosting.Tests.Recurring;

public sealed class WakeupTests
{
    private readonly Wakeup _wakeup = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_from_everywhere_are_one_look()
    {
        Parallel.For(0, 100, _ => _wakeup.Call());

        await _wakeup.WaitAsync(Timeout.InfiniteTimeSpan, Cancel);
        var second = _wakeup.WaitAsync(Timeout.InfiniteTimeSpan, Cancel);
        second.IsCompleted.ShouldBeFalse();
        _wakeup.Call();
        await second;
    }

    [Fact]
    public async Task Who_is_not_called_looks_when_the_time_is_over() => await _wakeup.WaitAsync(TimeSpan.Zero, Cancel);

    [Fact]
    public void A_call_after_the_end_is_not_heard()
    {
        _wakeup.Dispose();

        Should.NotThrow(_wakeup.Call);
    }
}
