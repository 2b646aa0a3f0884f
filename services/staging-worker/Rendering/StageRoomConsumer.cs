using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Worker.Provider;
using MassTransit;

namespace HomeStage.Worker.Rendering;

/// <summary>
/// Takes one delivery of work from the queue to its end: waits out the provider's pause, claims the job, makes the attempt while the
/// lease holds. The delivery is acknowledged when a result is confirmed, when a failure cannot be told, or when nothing is left to do for this worker.
/// </summary>
internal sealed partial class StageRoomConsumer(
    RenderSlots slots, ProviderBreaker breaker, JobClaims claims, RenderAttempt attempt, Draining draining, WorkerMetrics metrics, TimeProvider time,
    ILogger<StageRoomConsumer> logger)
    : IConsumer<StageRoom>
{
    public async Task Consume(ConsumeContext<StageRoom> context)
    {
        var work = context.Message;
        // A delivery that is tried again in place keeps its claim, and so regains the lease that it holds.
        var delivery = context.ReceiveContext.GetOrAddPayload(() => new Delivery(Guid.NewGuid()));
        var request = new ClaimRequest { ClaimId = delivery.ClaimId, Attempt = work.Attempt };
        var outcome = await TakeAsync(work, request);
        metrics.AttemptEnded(outcome);
        Log.Ended(logger, work.JobId, work.Attempt, outcome);
    }

    private async Task<string> TakeAsync(StageRoom work, ClaimRequest request)
    {
        try
        {
            using var slot = await slots.TakeAsync(draining.Stopping);
            await using var turn = await breaker.EnterAsync(draining.Stopping);
            var asked = time.GetTimestamp();
            var claim = await claims.ClaimAsync(work.JobId, request, draining.LetGo);
            if (claim.Decision != ClaimDecision.Go)
                return claim.Decision;
            await using var lease = new Lease(claims, work.JobId, request, TimeSpan.FromSeconds(Math.Max(1, claim.LeaseSeconds)), asked, time);
            return await HoldAsync(work, claim.VariationsMissing, turn, lease);
        }
        catch (OperationCanceledException) when (draining.Stopping.IsCancellationRequested)
        {
            metrics.AttemptEnded("let_go");
            Log.LetGo(logger, work.JobId, work.Attempt);
            throw new PutBackException("This worker is stopping.");
        }
    }

    private async Task<string> HoldAsync(StageRoom work, int missing, ProviderTurn turn, Lease lease)
    {
        using var held = CancellationTokenSource.CreateLinkedTokenSource(lease.Ended, draining.LetGo);
        try
        {
            return await attempt.MakeAsync(work, missing, turn, held.Token, draining.LetGo);
        }
        catch (OperationCanceledException) when (lease.State != LeaseState.Held)
        {
            return lease.State == LeaseState.Stopped ? "stopped" : "lease_lost";
        }
        finally
        {
            // Also after the provider's answer, where the lease no longer matters to the attempt.
            if (lease.State != LeaseState.Held)
                metrics.LeaseEnded(lease.State == LeaseState.Stopped ? "stopped" : "lost");
        }
    }

    private sealed record Delivery(Guid ClaimId);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Job {JobId}, attempt {Attempt}: {Outcome}", EventName = "attempt_ended")]
        public static partial void Ended(ILogger logger, Guid jobId, int attempt, string outcome);

        [LoggerMessage(2, LogLevel.Information, "Job {JobId}, attempt {Attempt} is left to another worker", EventName = "attempt_let_go")]
        public static partial void LetGo(ILogger logger, Guid jobId, int attempt);
    }
}

/// <summary>
/// At most <c>WORKER_CONCURRENCY</c> attempts at once, whatever the broker delivers: after a lost connection it delivers anew what is
/// still being worked on.
/// </summary>
internal sealed class RenderSlots(WorkerSettings settings) : IDisposable
{
    private readonly SemaphoreSlim _free = new(settings.Concurrency);

    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        return new Slot(_free);
    }

    public void Dispose() => _free.Dispose();

    private sealed class Slot(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
