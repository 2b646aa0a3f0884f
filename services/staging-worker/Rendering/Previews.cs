using HomeStage.Contracts;
using HomeStage.Imaging.Outputs;
using HomeStage.Worker.Outputs;

namespace HomeStage.Worker.Rendering;

/// <summary>
/// Shows partial images of the provider to the job's owner. They are worth little: one at a time in this process, and what comes meanwhile, or
/// cannot be read, stored or told, is dropped. No attempt waits for one or fails for one.
/// </summary>
internal sealed partial class Previews(JobFiles files, AttemptMessages messages, WorkerMetrics metrics, ILogger<Previews> logger) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    /// <summary>Previews of one attempt, until it is disposed.</summary>
    /// <param name="work">The attempt.</param>
    /// <param name="cancellationToken">Ends them as well.</param>
    public Run Begin(StageRoom work, CancellationToken cancellationToken) => new(this, work, cancellationToken);

    public void Dispose() => _one.Dispose();

    private void Dropped() => metrics.Preview("dropped");

    private async Task ShowAsync(StageRoom work, byte[] picture, int number, CancellationToken cancellationToken)
    {
        var outcome = "dropped";
        try
        {
            var preview = PhotoOutputs.PreviewOf(picture, work.PhotoWidth, work.PhotoHeight);
            var blob = await files.SavePreviewAsync(work.JobId, work.Attempt, number, preview, cancellationToken);
            await messages.PreviewedAsync(work, blob, number, cancellationToken);
            outcome = "shown";
        }
        catch (Exception error)
        {
            if (!cancellationToken.IsCancellationRequested)
                Log.Dropped(logger, work.JobId, work.Attempt, error);
        }
        finally
        {
            _one.Release();
            // Whoever sees it can have the next one shown.
            metrics.Preview(outcome);
        }
    }

    /// <summary>The previews of one attempt.</summary>
    internal sealed class Run(Previews previews, StageRoom work, CancellationToken cancellationToken) : IAsyncDisposable
    {
        private readonly CancellationTokenSource _over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        private Task _showing = Task.CompletedTask;
        private int _number;

        /// <summary>Takes a partial image, or drops it; returns at once.</summary>
        public void Offer(byte[] picture)
        {
            var number = ++_number;
            if (previews._one.Wait(0, CancellationToken.None))
                _showing = Task.Run(() => previews.ShowAsync(work, picture, number, _over.Token), CancellationToken.None);
            else
                previews.Dropped();
        }

        /// <summary>Ends what is still under way, so that nothing is told after the picture.</summary>
        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            await _showing;
            _over.Dispose();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A preview of job {JobId}, attempt {Attempt} was dropped", EventName = "preview_dropped")]
        public static partial void Dropped(ILogger logger, Guid jobId, int attempt, Exception exception);
    }
}
