using HomeStage.Hosting.Recurring;

namespace HomeStage.Hosting.Telemetry;

/// <summary>
/// Figures that a server has to be asked for: asked for every 15 seconds beside everything else, shown until the next answer, and not at all
/// once the server has stopped to answer. Every replica asks, so whoever reads them takes the largest.
/// </summary>
/// <param name="name">What is asked for, as a sweep's name.</param>
/// <param name="sweeps">Learns whether it could be.</param>
/// <remarks>By the servers' time, not the clock that tests move.</remarks>
public abstract class Sampler<TFigures>(string name, Sweeps sweeps) : RecurringWork(name, TimeSpan.FromSeconds(15), sweeps, TimeProvider.System)
    where TFigures : class
{
    /// <summary>The figures of the last answer; null before the first, and after a question that failed.</summary>
    protected TFigures? Latest { get; private set; }

    /// <summary>Asks.</summary>
    protected abstract Task<TFigures> ReadAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        Latest = await ReadAsync(cancellationToken);
        return true;
    }

    /// <summary>Nothing is said: what is away has logs and alerts of its own.</summary>
    protected override void Failed(Exception error) => Latest = null;
}
