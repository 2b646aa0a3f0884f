using HomeStage.Contracts;
using HomeStage.Hosting.Redis;
using HomeStage.Imaging;
using HomeStage.Imaging.Outputs;
using HomeStage.Worker.Provider;
using HomeStage.Worker.Rendering;

namespace HomeStage.Worker.Layout;

/// <summary>
/// Finds out once for a photo which of its parts have to stay free, so that the image model is told where they are. It is a help and no more:
/// whatever goes wrong, the picture is made without, and no attempt is counted for it. Its refusals pause only itself: the limits of a
/// vision model are not those of the image model.
/// </summary>
internal sealed partial class LayoutPass(
    LayoutSettings settings, LayoutModel model, LayoutNotes notes, Draining draining, WorkerMetrics metrics, TimeProvider time, ILogger<LayoutPass> logger)
{
    private static readonly TimeSpan AnswerKept = TimeSpan.FromDays(30);

    // A photo that the model will not speak about was paid for too, but another day may bring another answer.
    private static readonly TimeSpan SilenceKept = TimeSpan.FromDays(1);

    // So that a model that is down delays one job in a minute, not all of them.
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    /// <summary>The zones of a photo; none where they are not known.</summary>
    /// <param name="work">The attempt.</param>
    /// <param name="photo">The stored photo.</param>
    /// <param name="cancellationToken">The attempt is over.</param>
    /// <exception cref="OperationCanceledException">The attempt is over; nothing else is thrown.</exception>
    public async Task<IReadOnlyList<Zone>> FindAsync(StageRoom work, byte[] photo, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        // A worker that is to end has time for the picture alone.
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, draining.Stopping);
        var (outcome, zones) = await TryFindAsync(work, photo, either.Token);
        cancellationToken.ThrowIfCancellationRequested();
        metrics.LayoutEnded(outcome, time.GetElapsedTime(started));
        return zones;
    }

    private async Task<(string Outcome, IReadOnlyList<Zone> Zones)> TryFindAsync(StageRoom work, byte[] photo, CancellationToken cancellationToken)
    {
        try
        {
            var note = notes.On(photo);
            var (state, zones) = await LookAsync(note, cancellationToken);
            return state switch
            {
                LayoutState.Ask => await AskAsync(work, photo, note, cancellationToken),
                LayoutState.Known => ("known", zones),
                LayoutState.Busy => ("busy", []),
                LayoutState.Paused => ("paused", []),
                _ => ("out_of_budget", []),
            };
        }
        catch (RedisUnavailableException)
        {
            return ("uncounted", []);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ("stopping", []);
        }
        catch (Exception error)
        {
            Log.Failed(logger, work.JobId, work.Attempt, "error", null, error);
            return ("error", []);
        }
    }

    /// <summary>Waits for another worker that asks about the same photo, which one person often stages in several styles at once.</summary>
    private async Task<(LayoutState State, IReadOnlyList<Zone> Zones)> LookAsync(LayoutNote note, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var seen = await note.LookAsync(cancellationToken);
            if (seen.State != LayoutState.Busy || time.GetElapsedTime(started) >= settings.Timeout)
                return seen;
            await Task.Delay(LookAgain, time, cancellationToken);
        }
    }

    private async Task<(string Outcome, IReadOnlyList<Zone> Zones)> AskAsync(StageRoom work, byte[] photo, LayoutNote note, CancellationToken cancellationToken)
    {
        try
        {
            var small = await Task.Run(() => ProviderFrame.Copy(photo, LayoutQuestion.PhotoSide), cancellationToken);
            var answer = await model.AskAsync(small.Bytes, work.SafetyId, cancellationToken);
            var cost = settings.Prices.Of(answer.InputTokens, answer.OutputTokens);
            metrics.LayoutCharged(cost ?? 0);
            await TryWriteAsync(note, answer.Zones ?? [], answer.Zones is null ? SilenceKept : AnswerKept, cost, pause: null);
            return answer.Problem is { } problem ? (problem, []) : (answer.Zones!.Count > 0 ? "found" : "nothing", answer.Zones);
        }
        catch (ProviderException error)
        {
            var failure = error.Failure;
            Log.Failed(logger, work.JobId, work.Attempt, failure.Code, error.Usage.RequestId, exception: null);
            // What is said against one photo holds for that photo alone.
            var ofThisPhoto = failure.Code == ProviderFailures.Moderated;
            await TryWriteAsync(
                note, ofThisPhoto ? [] : null, SilenceKept, failure.MayHaveCost ? null : 0, ofThisPhoto ? null : failure.RetryAfter ?? PauseAfterFailure);
            return (failure.Code, []);
        }
        catch (UnreadableImageException)
        {
            // The attempt finds that out for itself.
            await TryWriteAsync(note, zones: null, SilenceKept, cost: 0, pause: null);
            return ("photo_unreadable", []);
        }
    }

    private static async Task TryWriteAsync(LayoutNote note, IReadOnlyList<Zone>? zones, TimeSpan kept, long? cost, TimeSpan? pause)
    {
        try
        {
            await note.WriteAsync(zones, kept, cost, pause);
        }
        catch (RedisUnavailableException)
        {
            // What was set aside stays counted: rather too little is spent than too much.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Job {JobId}, attempt {Attempt} goes on without a layout: {Code} (request {RequestId})", EventName = "layout_failed")]
        public static partial void Failed(ILogger logger, Guid jobId, int attempt, string code, string? requestId, Exception? exception);
    }
}
