namespace HomeStage.Tool.Up;

/// <summary>Starts again what dies, after a pause that doubles while it keeps dying.</summary>
internal sealed class Supervisor(Action<string> report, TimeProvider clock)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>What ran at least this long has recovered: its next death is a first one.</summary>
    private static readonly TimeSpan Recovered = TimeSpan.FromMinutes(1);

    /// <summary>Watches everything that runs until it is told to stop.</summary>
    public Task WatchAsync(Stack stack, CancellationToken cancel) => Task.WhenAll([
        .. stack.Processes.Select(process => WatchAsync(process.Name, () => process.Exited, _ => process.StartAsync(), process.LogFile, cancel)),
        .. stack.Servers.All.Select(server => WatchAsync(server.Name, () => server.Exited, server.StartAgainAsync, "the log", cancel)),
    ]);

    internal static TimeSpan NextPause(TimeSpan pause, TimeSpan ran) =>
        ran >= Recovered ? FirstPause : TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));

    private async Task WatchAsync(string name, Func<Task> exited, Func<CancellationToken, Task> start, string log, CancellationToken cancel)
    {
        var pause = FirstPause;
        while (true)
        {
            var started = clock.GetTimestamp();
            try
            {
                await exited().WaitAsync(cancel);
                report($"{name} ended by itself; starting it again in {pause.TotalSeconds:0} s ({log} says why).");
                await Task.Delay(pause, clock, cancel);
                pause = NextPause(pause, clock.GetElapsedTime(started));
                await start(cancel);
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
            catch (ToolException failure)
            {
                report(failure.Message);
            }
        }
    }
}
