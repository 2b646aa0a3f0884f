using System.Security.Cryptography;
using System.Text;
using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;

namespace HomeStage.Worker.Rendering;

/// <summary>Tells staging-api what becomes of an attempt. Message ids follow from what is said, so that repetition is recognised.</summary>
internal sealed partial class AttemptMessages(BusPublisher publisher, TimeProvider time, ILogger<AttemptMessages> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private const int Tries = 30;

    /// <summary>Tells the phase; an attempt does not fail for want of it.</summary>
    public async Task ProgressedAsync(StageRoom work, Phase phase, CancellationToken cancellationToken)
    {
        var message = Progress(work, phase);
        try
        {
            await publisher.PublishAsync(message, IdOf(work.JobId, work.Attempt, "progressed", (int)phase), cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.ProgressLost(logger, work.JobId, error);
        }
    }

    /// <summary>Tells of a preview.</summary>
    /// <exception cref="Exception">The broker did not take it.</exception>
    public Task PreviewedAsync(StageRoom work, string blob, int number, CancellationToken cancellationToken) =>
        publisher.PublishAsync(Progress(work, Phase.Rendering) with { PreviewBlob = blob }, IdOf(work.JobId, work.Attempt, "previewed", number), cancellationToken);

    /// <summary>Delivers pictures.</summary>
    /// <exception cref="TimeoutException">The broker stayed away.</exception>
    public Task StagedAsync(RoomStaged message, CancellationToken cancellationToken) =>
        InsistAsync(message, IdOf(message.JobId, message.Attempt, "staged", 0), cancellationToken);

    /// <summary>Tells that there are none.</summary>
    /// <exception cref="TimeoutException">The broker stayed away.</exception>
    public Task FailedAsync(StagingFailed message, CancellationToken cancellationToken) =>
        InsistAsync(message, IdOf(message.JobId, message.Attempt, "failed", 0), cancellationToken);

    /// <summary>A UUID (version 8, RFC 9562) of what the message says.</summary>
    internal static Guid IdOf(Guid jobId, int attempt, string kind, int number)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{jobId}/{attempt}/{kind}/{number}"))[..16];
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash, bigEndian: true);
    }

    private static RenderProgressed Progress(StageRoom work, Phase phase) =>
        new() { JobId = work.JobId, Attempt = work.Attempt, Phase = phase.ToString().ToLowerInvariant() };

    // The result is worth more than this worker's time: while the broker restarts, it is said again until it is confirmed.
    private async Task InsistAsync(object message, Guid id, CancellationToken cancellationToken)
    {
        for (var tried = 1; ; tried++)
        {
            try
            {
                await publisher.PublishAsync(message, id, cancellationToken);
                return;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                Log.Unconfirmed(logger, message.GetType().Name, id, error);
                if (tried == Tries)
                    throw new TimeoutException("The broker did not confirm a result.", error);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A phase of job {JobId} was not told", EventName = "progress_lost")]
        public static partial void ProgressLost(ILogger logger, Guid jobId, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "{Message} {MessageId} was not confirmed; trying again", EventName = "result_unconfirmed")]
        public static partial void Unconfirmed(ILogger logger, string message, Guid messageId, Exception exception);
    }
}

/// <summary>What an attempt is doing, in the order in which it happens.</summary>
internal enum Phase
{
    /// <summary>The photo is read and framed.</summary>
    Preparing,

    /// <summary>The provider was called.</summary>
    Rendering,

    /// <summary>The provider has answered; files are made and stored. A worker that dies here may lose a picture that was paid for.</summary>
    Finishing,
}
