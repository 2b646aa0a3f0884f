using HomeStage.Catalog;
using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Imaging;
using HomeStage.Imaging.Outputs;
using HomeStage.Worker.Layout;
using HomeStage.Worker.Outputs;
using HomeStage.Worker.Prompting;
using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Rendering;

/// <summary>
/// One attempt at a claimed job: delivers what earlier attempts left behind, calls the provider at most once for the rest, stores the
/// pictures, writes the manifest, and only then tells.
/// </summary>
internal sealed partial class RenderAttempt(
    WorkerSettings settings, ImageProvider provider, ProviderPause pause, ProviderBreaker breaker, JobFiles files, AttemptMessages messages, Previews previews, WorkerMetrics metrics, TimeProvider time,
    ILogger<RenderAttempt> logger, LayoutPass? layout = null)
{
    // Enough to see furniture by, and little to pay for.
    private const int ReferenceSide = 1024;

    /// <summary>Makes the attempt.</summary>
    /// <param name="work">The work.</param>
    /// <param name="missing">How many pictures the job misses, as the claim's answer said.</param>
    /// <param name="turn">Leave to call the provider.</param>
    /// <param name="held">Canceled when the lease ends; counts until the provider has answered.</param>
    /// <param name="letGo">Canceled when the process must end; counts until the end.</param>
    /// <returns>What became of it, for the metrics; a result is confirmed by the broker; a failure that it does not take is left to the lease.</returns>
    public async Task<string> MakeAsync(StageRoom work, int missing, ProviderTurn turn, CancellationToken held, CancellationToken letGo)
    {
        try
        {
            var recovery = Recovery.Plan(await files.ManifestsAsync(work.JobId, work.Attempt, held), work.Attempt, missing);
            foreach (var manifest in recovery.Deliver)
                await messages.StagedAsync(manifest.ToMessage(), letGo);
            if (recovery.Missing == 0)
                return "recovered";

            var request = await PrepareAsync(work, recovery.Missing, held);
            await messages.ProgressedAsync(work, Phase.Rendering, held);
            var answer = await CallAsync(work, request, turn, held);

            // The pictures are paid for, and a result is accepted from any attempt: from here on the lease does not matter.
            await breaker.AnsweredAsync(letGo);
            await messages.ProgressedAsync(work, Phase.Finishing, letGo);
            var finished = await FinishAsync(work, missing, answer, letGo);
            await messages.StagedAsync(finished.ToMessage(), letGo);
            return "staged";
        }
        catch (ProviderException error)
        {
            Log.ProviderFailed(logger, work.JobId, work.Attempt, error.Failure.Code, error.Usage.RequestId);
            if (error.Failure.PausesAll)
                await pause.BeginAsync(error.Failure.Code, error.Failure.RetryAfter!.Value, letGo);
            await (error.Failure.IsOutage ? breaker.FailedAsync(letGo) : breaker.AnsweredAsync(letGo));
            return await FailAsync(work, error.Failure, error.Usage, letGo);
        }
        catch (AttemptException error)
        {
            return await FailHereAsync(work, error.Failure, error.InnerException, letGo, error.Usage);
        }
        catch (IOException error)
        {
            return await FailHereAsync(work, AttemptFailures.StoreAway(paid: false), error, letGo);
        }
        catch (Exception error) when (error is not OperationCanceledException && !Infrastructure.IsTransient(error))
        {
            return await FailHereAsync(work, AttemptFailures.Unforeseen, error, letGo);
        }
    }

    private async Task<EditRequest> PrepareAsync(StageRoom work, int count, CancellationToken cancellationToken)
    {
        await messages.ProgressedAsync(work, Phase.Preparing, cancellationToken);
        var options = work.Options;
        var format = options.Format ?? ImageModel.DefaultFormat;
        var size = options.Size is null ? settings.Model.SizeFor(work.PhotoWidth, work.PhotoHeight) : PictureSize.Parse(options.Size);
        // What staging-api's model has and ours does not: the two were configured apart.
        if (!settings.Model.Qualities.TryGetValue(options.Quality, out var quality) || !settings.Model.Formats.Contains(format)
            || size is null || !settings.Model.Sizes.Contains(size) || (options.Seed is not null && !settings.Model.Seed))
        {
            throw new AttemptException(AttemptFailures.UnknownOptions(work.PromptVersion));
        }

        // Before anything is asked for them.
        _ = PromptOf(work, [], Alike.No);
        try
        {
            var photo = await files.PhotoAsync(work.OriginalBlob, cancellationToken) ?? throw new AttemptException(AttemptFailures.PhotoGone);
            var zones = await ZonesAsync(work, photo, size, cancellationToken);
            var framed = await Task.Run(() => ProviderFrame.Around(photo, size.Width, size.Height), cancellationToken);
            var reference = await ReferenceAsync(work, cancellationToken);
            var alike = !work.OfSeveral ? Alike.No : reference is null ? Alike.InWords : Alike.AsShown;
            return new EditRequest(framed.Bytes, reference, PromptOf(work, zones, alike), count, size, options.Quality, quality, format, options.Seed, work.SafetyId, $"{work.JobId}-{work.Attempt}");
        }
        catch (UnreadableImageException error)
        {
            throw new AttemptException(AttemptFailures.PhotoUnreadable, error);
        }
    }

    private static string PromptOf(StageRoom work, IReadOnlyList<Zone> zones, Alike alike) =>
        PromptBuilder.Build(work.PromptVersion, work.Options, zones, alike) ?? throw new AttemptException(AttemptFailures.UnknownOptions(work.PromptVersion));

    private async Task<IReadOnlyList<Zone>> ZonesAsync(StageRoom work, byte[] photo, PictureSize size, CancellationToken cancellationToken) =>
        layout is not null && PromptBuilder.SaysZones(work.PromptVersion)
            ? [.. (await layout.FindAsync(work, photo, cancellationToken)).Select(zone => zone.Framed(work.PhotoWidth, work.PhotoHeight, size))]
            : [];

    /// <summary>What the picture is to resemble. Never worth failing for: it may be deleted, or the model may take one picture only.</summary>
    private async Task<byte[]?> ReferenceAsync(StageRoom work, CancellationToken cancellationToken)
    {
        if (work.ReferenceBlob is not { } key || settings.Model.InputImages < 2)
            return null;
        try
        {
            return await files.PhotoAsync(key, cancellationToken) is { } picture ? (await Task.Run(() => ProviderFrame.Copy(picture, ReferenceSide), cancellationToken)).Bytes : null;
        }
        catch (Exception error) when (error is IOException or UnreadableImageException)
        {
            Log.ReferenceUnreadable(logger, work.JobId, work.Attempt, error);
            return null;
        }
    }

    private async Task<ProviderAnswer> CallAsync(StageRoom work, EditRequest request, ProviderTurn turn, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var succeeded = false;
        turn.Take();
        metrics.CallBegan();
        try
        {
            await using var shown = previews.Begin(work, cancellationToken);
            var answer = await provider.EditAsync(request, shown.Offer, cancellationToken);
            succeeded = true;
            if (answer.Usage.CostMicrodollars is { } cost)
                metrics.Charged(cost);
            return answer;
        }
        finally
        {
            metrics.CallEnded(time.GetElapsedTime(started), succeeded);
        }
    }

    private async Task<Manifest> FinishAsync(StageRoom work, int missing, ProviderAnswer answer, CancellationToken cancellationToken)
    {
        metrics.PicturesBought(answer.Pictures.Count);
        var outputs = new List<RenderedPicture>();
        try
        {
            foreach (var bytes in answer.Pictures)
            {
                if (await DecodeAsync(work, bytes, cancellationToken) is { } images)
                    outputs.Add(await files.SaveAsync(work.JobId, work.Attempt, outputs.Count + 1, images, cancellationToken));
            }

            if (outputs.Count == 0)
                throw new ProviderException(ProviderFailures.NoPicture, answer.Usage);
            var manifest = new Manifest
            {
                JobId = work.JobId,
                Attempt = work.Attempt,
                Missing = missing,
                Outputs = outputs,
                Usage = answer.Usage,
            };
            await files.SaveAsync(manifest, cancellationToken);
            return manifest;
        }
        catch (IOException error)
        {
            throw new AttemptException(AttemptFailures.StoreAway(paid: true), error, answer.Usage);
        }
    }

    // One picture that cannot be read costs only itself.
    private async Task<StagedImages?> DecodeAsync(StageRoom work, byte[] bytes, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => PhotoOutputs.Make(bytes, work.PhotoWidth, work.PhotoHeight, MediaTypeOf(work.Options.Format)), cancellationToken);
        }
        catch (UnreadableImageException)
        {
            Log.PictureUnreadable(logger, work.JobId, work.Attempt);
            return null;
        }
    }

    private static string MediaTypeOf(string? format) => format is null ? ImageMediaType.Jpeg : $"image/{format}";

    private Task<string> FailHereAsync(
        StageRoom work, ProviderFailure failure, Exception? error, CancellationToken cancellationToken, ProviderUsage? usage = null)
    {
        Log.Failed(logger, work.JobId, work.Attempt, failure.Code, error);
        return FailAsync(work, failure, usage, cancellationToken);
    }

    private async Task<string> FailAsync(StageRoom work, ProviderFailure failure, ProviderUsage? usage, CancellationToken cancellationToken)
    {
        try
        {
            await messages.FailedAsync(
                new StagingFailed
                {
                    JobId = work.JobId,
                    Attempt = work.Attempt,
                    Code = failure.Code,
                    Retryable = failure.Retryable,
                    MayHaveCost = failure.MayHaveCost,
                    RetryAfterSeconds = failure.RetryAfter?.TotalSeconds,
                    Usage = usage,
                },
                cancellationToken);
        }
        catch (TimeoutException error)
        {
            // Made once more under this claim, the call would be counted by nobody. The lease runs out, and then the attempt counts as lost.
            Log.FailureUntold(logger, work.JobId, work.Attempt, error);
        }

        return failure.Code;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Job {JobId}, attempt {Attempt}: the provider call failed with {Code} (request {RequestId})", EventName = "provider_failed")]
        public static partial void ProviderFailed(ILogger logger, Guid jobId, int attempt, string code, string? requestId);

        [LoggerMessage(2, LogLevel.Error, "Job {JobId}, attempt {Attempt} failed here: {Code}", EventName = "attempt_failed")]
        public static partial void Failed(ILogger logger, Guid jobId, int attempt, string code, Exception? exception);

        [LoggerMessage(3, LogLevel.Warning, "Job {JobId}, attempt {Attempt}: a picture of the provider cannot be read", EventName = "picture_unreadable")]
        public static partial void PictureUnreadable(ILogger logger, Guid jobId, int attempt);

        [LoggerMessage(4, LogLevel.Warning, "Job {JobId}, attempt {Attempt}: the picture that it is to resemble cannot be read; it goes on without", EventName = "reference_unreadable")]
        public static partial void ReferenceUnreadable(ILogger logger, Guid jobId, int attempt, Exception exception);

        [LoggerMessage(5, LogLevel.Error, "Job {JobId}, attempt {Attempt}: its failure could not be told; it is left to its lease", EventName = "failure_untold")]
        public static partial void FailureUntold(ILogger logger, Guid jobId, int attempt, Exception exception);
    }
}
