using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Storage;
using MassTransit;

namespace HomeStage.Staging.Attempts;

/// <summary>An attempt reached another phase.</summary>
internal sealed class RenderProgressedConsumer(WorkerMessages messages) : IConsumer<RenderProgressed>
{
    public Task Consume(ConsumeContext<RenderProgressed> context)
    {
        var message = context.Message;
        if (message.PreviewBlob is { } preview)
            WorkerMessages.RequireOwn(message.JobId, preview);
        return messages.ApplyAsync(context, "render-progressed", message.JobId, new JobCommand.Progress(message.Attempt, message.Phase, message.PreviewBlob));
    }
}

/// <summary>An attempt delivered pictures.</summary>
internal sealed class RoomStagedConsumer(WorkerMessages messages) : IConsumer<RoomStaged>
{
    public Task Consume(ConsumeContext<RoomStaged> context)
    {
        var message = context.Message;
        foreach (var output in message.Outputs)
            WorkerMessages.RequireOwn(message.JobId, output.CleanBlob, output.LabeledBlob, output.ThumbBlob);
        var pictures = message.Outputs
            .Select(output => new Picture(output.CleanBlob, output.LabeledBlob, output.ThumbBlob, output.Width, output.Height, output.MediaType)).ToArray();
        return messages.ApplyAsync(context, "room-staged", message.JobId, new JobCommand.Deliver(message.Attempt, pictures, message.Usage));
    }
}

/// <summary>An attempt ended without pictures.</summary>
internal sealed class StagingFailedConsumer(WorkerMessages messages) : IConsumer<StagingFailed>
{
    public Task Consume(ConsumeContext<StagingFailed> context)
    {
        var message = context.Message;
        TimeSpan? retryAfter = message.RetryAfterSeconds is { } seconds and >= 0 and < 86_400 ? TimeSpan.FromSeconds(seconds) : null;
        return messages.ApplyAsync(context, "staging-failed", message.JobId, new JobCommand.Fail(
            message.Attempt, message.Code, message.Retryable, message.MayHaveCost, retryAfter, Random.Shared.NextDouble(), message.Usage));
    }
}

/// <summary>What workers say, applied to its job. A repetition does nothing, because the job's own state says that it was there.</summary>
internal sealed class WorkerMessages(Inbox<StagingDb> inbox, JobWriter jobs)
{
    internal async Task ApplyAsync(ConsumeContext context, string consumer, Guid jobId, JobCommand command)
    {
        JobDecision? decision = null;
        await inbox.OnceAsync(context, consumer, async (db, cancellationToken) =>
            decision = await jobs.ApplyAsync(db, jobId, command, cancellationToken));
        jobs.Committed(decision);
    }

    /// <summary>A worker may only point at files of the job it speaks of: what it names is served to the job's owner.</summary>
    internal static void RequireOwn(Guid jobId, params ReadOnlySpan<string> keys)
    {
        foreach (var key in keys)
        {
            if (!BlobKey.IsValid(key) || !key.StartsWith($"{jobId}/", StringComparison.Ordinal))
                throw new InvalidOperationException("A worker's message names a blob that is not below its job's id.");
        }
    }
}
