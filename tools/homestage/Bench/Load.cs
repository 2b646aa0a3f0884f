using System.Collections.Concurrent;

namespace HomeStage.Tool.Bench;

/// <summary>What a load came to.</summary>
/// <param name="PerSecond">Requests that succeeded, per second.</param>
/// <param name="Failed">Requests that did not, the warm-up's aside.</param>
/// <param name="Failure">What one of them failed of.</param>
/// <param name="P50">Half took no longer.</param>
/// <param name="P99">99 of 100 took no longer.</param>
internal sealed record LoadResult(double PerSecond, long Failed, string? Failure, TimeSpan P50, TimeSpan P99)
{
    /// <exception cref="ToolException">A request failed, so that the figures say nothing.</exception>
    public LoadResult RequireAll(string service) =>
        Failed == 0 ? this : throw new ToolException($"{Failed} requests to {service} failed, one of them with: {Failure}");
}

/// <summary>Makes requests and measures them.</summary>
internal static class Load
{
    /// <summary>Closed loop: each of the clients sends its next request when the last was answered. Measures what is carried at most.</summary>
    public static async Task<LoadResult> ClosedAsync(
        int clients, TimeSpan warmUp, TimeSpan length, Func<int, CancellationToken, Task> request, CancellationToken cancel)
    {
        var time = TimeProvider.System;
        var taken = new ConcurrentBag<TimeSpan>();
        var failed = 0L;
        string? failure = null;
        var began = time.GetTimestamp();
        async Task RunAsync(int client)
        {
            while (time.GetElapsedTime(began) is var at && at < warmUp + length && !cancel.IsCancellationRequested)
            {
                var started = time.GetTimestamp();
                try
                {
                    await request(client, cancel);
                    if (at >= warmUp)
                        taken.Add(time.GetElapsedTime(started));
                }
                catch (HttpRequestException) when (at < warmUp)
                {
                    // Nothing is measured yet.
                }
                catch (HttpRequestException error)
                {
                    failure = error.Message;
                    Interlocked.Increment(ref failed);
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(() => RunAsync(client), cancel)));
        cancel.ThrowIfCancellationRequested();
        return Summarize(taken, failed, failure, time.GetElapsedTime(began) - warmUp);
    }

    /// <summary>
    /// Open loop: requests are due at a fixed rate, whatever became of the earlier ones, and are measured from when they were due; so a
    /// server that stalls is charged for everybody who would have waited.
    /// </summary>
    public static async Task<LoadResult> OpenAsync(
        double perSecond, TimeSpan warmUp, TimeSpan length, Func<CancellationToken, Task> request, CancellationToken cancel)
    {
        var time = TimeProvider.System;
        var taken = new ConcurrentBag<TimeSpan>();
        var failed = 0L;
        string? failure = null;
        var running = new List<Task>();
        var began = time.GetTimestamp();
        async Task OneAsync(TimeSpan due)
        {
            try
            {
                await request(cancel);
                if (due >= warmUp)
                    taken.Add(time.GetElapsedTime(began) - due);
            }
            catch (HttpRequestException) when (due < warmUp)
            {
                // Nothing is measured yet.
            }
            catch (HttpRequestException error)
            {
                failure = error.Message;
                Interlocked.Increment(ref failed);
            }
        }

        for (var number = 0; TimeSpan.FromSeconds(number / perSecond) is var due && due < warmUp + length; number++)
        {
            if (due - time.GetElapsedTime(began) is var early && early > TimeSpan.Zero)
                await Task.Delay(early, cancel);
            running.Add(Task.Run(() => OneAsync(due), cancel));
        }

        await Task.WhenAll(running);
        return Summarize(taken, failed, failure, length);
    }

    private static LoadResult Summarize(IEnumerable<TimeSpan> taken, long failed, string? failure, TimeSpan length)
    {
        var sorted = taken.Order().ToArray();
        return new(sorted.Length / length.TotalSeconds, failed, failure, At(0.50), At(0.99));

        TimeSpan At(double share) => sorted.Length == 0 ? TimeSpan.Zero : sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(sorted.Length * share))];
    }
}
