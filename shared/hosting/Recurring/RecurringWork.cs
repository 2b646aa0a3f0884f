using HomeStage.Hosting.Telemetry;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Recurring;

/// <summary>
/// Work that a service does again and again until it stops. A failure is counted, explained in the log and tried again; what no longer
/// succeeds is found by the alert on <see cref="Sweeps"/>.
/// </summary>
/// <param name="name">Its name as a sweep.</param>
/// <param name="interval">The time from the end of one run to the next.</param>
/// <param name="sweeps">Learns of successes and failures.</param>
/// <param name="time">The clock of the intervals.</param>
public abstract class RecurringWork(string name, TimeSpan interval, Sweeps sweeps, TimeProvider time) : BackgroundService
{
    /// <summary>The clock.</summary>
    protected TimeProvider Time { get; } = time;

    /// <summary>How long after the start the first run is.</summary>
    protected virtual TimeSpan FirstAfter => TimeSpan.Zero;

    /// <summary>The time from a failure to the next run.</summary>
    protected virtual TimeSpan RetryAfter => interval;

    /// <summary>The longest time from one success to the next that is normal.</summary>
    protected virtual TimeSpan Expected => interval;

    /// <summary>Runs once.</summary>
    /// <returns>False if another replica is at it: then nothing succeeded here, and nothing failed.</returns>
    protected abstract Task<bool> WorkAsync(CancellationToken cancellationToken);

    /// <summary>Waits after a run: for the interval, or until something calls for the next.</summary>
    protected virtual Task WaitAsync(CancellationToken cancellationToken) => Task.Delay(interval, Time, cancellationToken);

    /// <summary>Does what a failure calls for, beside being counted: says it in the log.</summary>
    protected abstract void Failed(Exception error);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sweeps.Expect(name, Expected);
        var wait = Task.Delay(FirstAfter, Time, stoppingToken);
        while (true)
        {
            await wait.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
                return;
            wait = await TryAsync(stoppingToken) ? WaitAsync(stoppingToken) : Task.Delay(RetryAfter, Time, stoppingToken);
        }
    }

    private async Task<bool> TryAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (await WorkAsync(stoppingToken))
                sweeps.Succeeded(name);
            return true;
        }
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
        {
            sweeps.Failed(name);
            Failed(error);
            return false;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping; whatever was under way is done again after the next start.
            return false;
        }
    }
}
