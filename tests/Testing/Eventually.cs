using Xunit;

namespace HomeStage.Testing;

/// <summary>The one place where tests wait: for a condition, never for a time. A canceled test stops waiting.</summary>
public static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan DefaultPatience = TimeSpan.FromSeconds(60);

    /// <summary>Returns once the condition holds.</summary>
    /// <param name="condition">Asked again and again; an exception in it counts as "not yet".</param>
    /// <param name="what">Completes the sentence "waited in vain until …".</param>
    /// <param name="patience">A bound against hanging, 60 s if not said; no test may depend on its length.</param>
    /// <exception cref="TimeoutException">It never held; the inner exception is the last one from the condition.</exception>
    public static async Task Async(Func<Task<bool>> condition, string what, TimeSpan? patience = null) =>
        await ValueAsync(async () => await condition() ? condition : null, what, patience);

    /// <inheritdoc cref="Async(Func{Task{bool}}, string, TimeSpan?)"/>
    public static Task Async(Func<bool> condition, string what, TimeSpan? patience = null) =>
        Async(() => Task.FromResult(condition()), what, patience);

    /// <summary>Returns the first value that is not null.</summary>
    /// <inheritdoc cref="Async(Func{Task{bool}}, string, TimeSpan?)"/>
    public static async Task<T> ValueAsync<T>(Func<Task<T?>> value, string what, TimeSpan? patience = null)
        where T : class
    {
        var limit = patience ?? DefaultPatience;
        var cancel = TestContext.Current.CancellationToken;
        var started = TimeProvider.System.GetTimestamp();
        Exception? last = null;
        while (true)
        {
            try
            {
                if (await value() is { } found)
                    return found;
                last = null;
            }
            catch (Exception notYet) when (!cancel.IsCancellationRequested)
            {
                last = notYet;
            }
            if (TimeProvider.System.GetElapsedTime(started) > limit)
                throw new TimeoutException($"Waited in vain for {limit.TotalSeconds:0} s until {what}.", last);
            await Task.Delay(Interval, cancel);
        }
    }
}
