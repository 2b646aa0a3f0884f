using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// Figures that a server has to be asked for: asked for every 15 seconds beside everything else, shown until the next answer, and not at all
/// once the server has stopped to answer. Every replica asks, so whoever reads them takes the largest.
/// </summary>
/// <param name="name">What is asked for, as a sweep's name.</param>
/// <param name="sweeps">Learns whether it could be.</param>
public abstract class Sampler<TFigures>(string name, Sweeps sweeps) : BackgroundService
    where TFigures : class
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>The figures of the last answer; null before the first, and after a question that failed.</summary>
    protected TFigures? Latest { get; private set; }

    /// <summary>Asks.</summary>
    protected abstract Task<TFigures> ReadAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sweeps.Expect(name, Interval);
        // The servers' time, not the clock that tests move.
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                await AskAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }

    private async Task AskAsync(CancellationToken stoppingToken)
    {
        try
        {
            Latest = await ReadAsync(stoppingToken);
            sweeps.Succeeded(name);
        }
        catch (Exception) when (!stoppingToken.IsCancellationRequested)
        {
            // What is away has logs and alerts of its own.
            Latest = null;
            sweeps.Failed(name);
        }
    }
}
