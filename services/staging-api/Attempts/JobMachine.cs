using System.Collections.Frozen;

namespace HomeStage.Staging.Attempts;

/// <summary>
/// The states of a job and every transition between them: a pure function from a job, a command and the time to what becomes
/// of it. Rules: design section 7.
/// </summary>
internal static class JobMachine
{
    internal static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    internal static readonly TimeSpan Deadline = TimeSpan.FromMinutes(15);

    /// <summary>How long a live lease may outlast the deadline: the provider's timeout and a minute.</summary>
    internal static readonly TimeSpan HardEndAfterDeadline = TimeSpan.FromSeconds(300 + 60);

    internal static readonly TimeSpan SubmissionLimit = TimeSpan.FromMinutes(2);

    /// <summary>How long the jobs of a listing wait for its first picture at most; a picture usually takes one minute.</summary>
    internal static readonly TimeSpan LongestWaitForFirst = TimeSpan.FromMinutes(3);

    internal static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(60);
    internal const int MaxCostlyAttempts = 3;
    internal const int MaxFreeAttempts = 20;

    /// <summary>Why a job failed that was accepted and that nobody went on with.</summary>
    internal const string SubmissionInterrupted = "submission_interrupted";

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(60);
    private static readonly string[] Phases = ["waiting", "preparing", "rendering", "finishing"];

    /// <summary>Every change of status that there is.</summary>
    internal static readonly FrozenSet<(JobStatus From, JobStatus To)> Allowed = new[]
    {
        (JobStatus.Accepted, JobStatus.Queued),
        (JobStatus.Accepted, JobStatus.Failed),
        (JobStatus.Accepted, JobStatus.Canceled),
        (JobStatus.Queued, JobStatus.Running),
        (JobStatus.Queued, JobStatus.Succeeded),
        (JobStatus.Queued, JobStatus.Failed),
        (JobStatus.Queued, JobStatus.Canceled),
        (JobStatus.Running, JobStatus.Succeeded),
        (JobStatus.Running, JobStatus.Failed),
        (JobStatus.Running, JobStatus.Canceled),
    }.ToFrozenSet();

    internal static bool IsTerminal(JobStatus status) => status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Canceled;

    /// <summary>When the scheduler must look at the job.</summary>
    internal static DateTimeOffset? DueAt(Job job) => job switch
    {
        { IsTerminal: true } => null,
        { Status: JobStatus.Accepted } => job.CreatedAt + SubmissionLimit,
        { ClaimId: null } => Earlier(job.NextAttemptAt, job.Deadline),
        _ => Earlier(job.LeaseUntil, HardEnd(job)),
    };

    internal static JobDecision Decide(Job job, JobCommand command, DateTimeOffset now)
    {
        var decision = command switch
        {
            JobCommand.HoldTaken hold => Enqueue(job, hold, now),
            JobCommand.HoldRefused refusal => Refuse(job, refusal, now),
            JobCommand.Claim claim => Claim(job, claim, now),
            JobCommand.Renew renewal => Renew(job, renewal, now),
            JobCommand.Progress progress => Progress(job, progress),
            JobCommand.Deliver delivery => Deliver(job, delivery, now),
            JobCommand.Fail failure => Fail(job, failure, now),
            JobCommand.Cancel cancel => Cancel(job, cancel, now),
            JobCommand.Tick tick => Tick(job, tick, now),
            _ => throw new ArgumentOutOfRangeException(nameof(command)),
        };
        if (ReferenceEquals(decision.Job, job))
            return decision;
        var next = decision.Job;
        if (next.Status != job.Status && !Allowed.Contains((job.Status, next.Status)))
            throw new InvalidOperationException($"A job cannot go from {job.Status} to {next.Status}.");
        return decision with
        {
            Job = next with
            {
                Revision = job.Revision + 1,
                LastEvent = job.LastEvent + (decision.Event is null ? 0 : 1),
                DueAt = DueAt(next),
            },
        };
    }

    private static JobDecision Enqueue(Job job, JobCommand.HoldTaken hold, DateTimeOffset now) => job.Status != JobStatus.Accepted
        ? new JobDecision(job)
        : new JobDecision(job with
        {
            Status = JobStatus.Queued,
            Free = hold.Free,
            Held = hold.Credits,
            QueuedAt = now,
            Deadline = now + (hold.Waits ? LongestWaitForFirst : TimeSpan.Zero) + Deadline,
            Attempt = hold.Waits ? 0 : 1,
            Sends = hold.Waits ? 0 : 1,
            NextAttemptAt = now + (hold.Waits ? LongestWaitForFirst : ResendAfter),
        })
        { Event = "queued", Send = !hold.Waits };

    private static JobDecision Refuse(Job job, JobCommand.HoldRefused refusal, DateTimeOffset now)
    {
        if (job.Status != JobStatus.Accepted)
            return new JobDecision(job);
        // The refusal was the answer to the request; nothing of it is kept.
        var ended = End(job, JobStatus.Failed, refusal.Code, now);
        return ended with { Job = ended.Job with { Words = null, DeletedAt = now } };
    }

    private static JobDecision Claim(Job job, JobCommand.Claim claim, DateTimeOffset now)
    {
        if (job.Status == JobStatus.Canceled)
            return new JobDecision(job) { Answer = "canceled" };
        if (job.IsTerminal || job.Status == JobStatus.Accepted || job.Waits || claim.Attempt != job.Attempt)
            return new JobDecision(job) { Answer = "finished" };
        if (job.ClaimId == claim.ClaimId)
            return new JobDecision(job with { LeaseUntil = now + Lease }) { Answer = "go" };
        if (job.ClaimId is not null)
            return new JobDecision(job) { Answer = "leased" };
        if (now >= job.Deadline)
            return new JobDecision(job) { Answer = "finished" };
        return new JobDecision(job with
        {
            Status = JobStatus.Running,
            StartedAt = job.StartedAt ?? now,
            ClaimId = claim.ClaimId,
            ClaimedAt = now,
            LeaseUntil = now + Lease,
            NextAttemptAt = null,
            Phase = "preparing",
        })
        { Answer = "go", Event = job.Status == JobStatus.Queued ? "running" : "progress" };
    }

    private static JobDecision Renew(Job job, JobCommand.Renew renewal, DateTimeOffset now) =>
        job.Status == JobStatus.Running && job.ClaimId == renewal.ClaimId && now < HardEnd(job)
            ? new JobDecision(job with { LeaseUntil = now + Lease }) { Answer = "go" }
            : new JobDecision(job) { Answer = "stop" };

    private static JobDecision Progress(Job job, JobCommand.Progress progress)
    {
        var ahead = Array.IndexOf(Phases, progress.Phase) - Array.IndexOf(Phases, job.Phase);
        var preview = progress.PreviewBlob is not null && progress.PreviewBlob != job.PreviewBlob;
        return job.Status == JobStatus.Running && job.ClaimId is not null && progress.Attempt == job.Attempt
            && (ahead > 0 || (ahead == 0 && preview))
            ? new JobDecision(job with { Phase = progress.Phase, PreviewBlob = progress.PreviewBlob ?? job.PreviewBlob }) { Event = "progress" }
            : new JobDecision(job);
    }

    private static JobDecision Deliver(Job job, JobCommand.Deliver delivery, DateTimeOffset now)
    {
        if (job.IsTerminal || job.Status == JobStatus.Accepted)
            return new JobDecision(job);
        var fresh = delivery.Pictures.Where(picture => job.Pictures.All(had => had.Clean != picture.Clean)).DistinctBy(picture => picture.Clean)
            .Take(job.Missing).ToArray();
        var current = delivery.Attempt == job.Attempt;
        if (fresh.Length == 0 && !current)
            return new JobDecision(job);

        var ended = new AttemptEnd(delivery.Attempt, "delivered", MayHaveCost: true, current ? job.ClaimedAt : null, delivery.Usage);
        var next = job with { Pictures = [.. job.Pictures, .. fresh], CostlyAttempts = job.CostlyAttempts + (current ? 1 : 0) };
        if (next.Missing == 0)
            return End(next, JobStatus.Succeeded, null, now) with { Ended = ended };
        if (!current)
            return new JobDecision(next) { Event = "progress", Ended = ended };
        return Retry(next, "incomplete", TimeSpan.Zero, now) with { Ended = ended };
    }

    private static JobDecision Fail(Job job, JobCommand.Fail failure, DateTimeOffset now)
    {
        if (job.IsTerminal || job.Status == JobStatus.Accepted || failure.Attempt != job.Attempt)
            return new JobDecision(job);
        var counted = Counted(job, failure.MayHaveCost);
        var wait = failure.RetryAfter ?? Backoff(counted, failure.Jitter);
        var decision = failure.Retryable ? Retry(counted, failure.Code, wait, now) : GiveUp(counted, failure.Code, now);
        return decision with { Ended = new AttemptEnd(failure.Attempt, failure.Code, failure.MayHaveCost, job.ClaimedAt, failure.Usage) };
    }

    private static JobDecision Cancel(Job job, JobCommand.Cancel cancel, DateTimeOffset now)
    {
        if (job.Status == JobStatus.Canceled)
            return new JobDecision(job) { Answer = "canceled" };
        // From the moment that a phase says so, the provider may have been called.
        var late = job.CostlyAttempts > 0 || job.Phase is "rendering" or "finishing";
        if (job.IsTerminal || (late && !cancel.LateAllowed))
            return new JobDecision(job) { Answer = "too_late" };
        var ended = End(job, JobStatus.Canceled, null, now);
        return ended with { Job = ended.Job with { LateCancel = late }, Answer = "canceled" };
    }

    private static JobDecision Tick(Job job, JobCommand.Tick tick, DateTimeOffset now)
    {
        if (job.IsTerminal || DueAt(job) > now)
            return new JobDecision(job);
        if (job.Status == JobStatus.Accepted)
            return End(job, JobStatus.Failed, SubmissionInterrupted, now);
        if (job.Waits)
            return LetGo(job, now);
        if (job.ClaimId is null)
            return now >= job.Deadline ? GiveUp(job, "deadline_exceeded", now) : SendAgain(job, now);
        if (now >= HardEnd(job))
            return GiveUp(job, "deadline_exceeded", now) with { Ended = new AttemptEnd(job.Attempt, "deadline_exceeded", MayHaveCost: true, job.ClaimedAt) };
        if (!tick.LeasesMayExpire)
            return new JobDecision(job);
        // The worker may have called the provider before it went away.
        return Retry(Counted(job, mayHaveCost: true), "interrupted", TimeSpan.Zero, now) with
        {
            Ended = new AttemptEnd(job.Attempt, "lease_lost", MayHaveCost: true, job.ClaimedAt),
        };
    }

    // The time that it waited is not taken off its own.
    private static JobDecision LetGo(Job job, DateTimeOffset now) => new(job with
    {
        QueuedAt = now,
        Deadline = now + Deadline,
        Attempt = 1,
        Sends = 1,
        NextAttemptAt = now + ResendAfter,
    })
    { Send = true };

    private static JobDecision SendAgain(Job job, DateTimeOffset now) => new(job with
    {
        Sends = job.Sends + 1,
        NextAttemptAt = now + (ResendAfter * Math.Pow(2, job.Sends)),
    })
    { Send = true };

    private static Job Counted(Job job, bool mayHaveCost) => mayHaveCost
        ? job with { CostlyAttempts = job.CostlyAttempts + 1 }
        : job with { FreeAttempts = job.FreeAttempts + 1 };

    private static JobDecision Retry(Job job, string code, TimeSpan wait, DateTimeOffset now)
    {
        var due = now + wait;
        if (job.CostlyAttempts >= MaxCostlyAttempts || job.FreeAttempts >= MaxFreeAttempts)
            return GiveUp(job, code, now);
        if (due >= job.Deadline)
            return GiveUp(job, now >= job.Deadline ? "deadline_exceeded" : code, now);
        var immediately = wait == TimeSpan.Zero;
        return new JobDecision(job with
        {
            Attempt = job.Attempt + 1,
            ClaimId = null,
            ClaimedAt = null,
            LeaseUntil = null,
            Sends = immediately ? 1 : 0,
            NextAttemptAt = immediately ? now + ResendAfter : due,
            Phase = "waiting",
            PreviewBlob = null,
        })
        { Event = "progress", Send = immediately };
    }

    /// <summary>The end of the budget: with one picture or more the job has succeeded with what there is.</summary>
    private static JobDecision GiveUp(Job job, string code, DateTimeOffset now) =>
        job.Pictures.Length > 0 ? End(job, JobStatus.Succeeded, null, now) : End(job, JobStatus.Failed, code, now);

    private static JobDecision End(Job job, JobStatus status, string? code, DateTimeOffset now) => new(job with
    {
        Status = status,
        ErrorCode = code,
        FinishedAt = now,
        CreditsUsed = job.Pictures.Length * job.Price,
        ClaimId = null,
        ClaimedAt = null,
        LeaseUntil = null,
        NextAttemptAt = null,
        Phase = null,
        PreviewBlob = null,
    })
    { Event = status.ToString().ToLowerInvariant(), Settle = true };

    // 2 s, 4 s, … up to a minute, between half and one and a half of it.
    private static TimeSpan Backoff(Job job, double jitter)
    {
        var tries = Math.Min(job.CostlyAttempts + job.FreeAttempts, 10);
        var seconds = Math.Min(LongestRetry.TotalSeconds, FirstRetry.TotalSeconds * Math.Pow(2, tries - 1));
        return TimeSpan.FromSeconds(seconds * (0.5 + jitter));
    }

    private static DateTimeOffset HardEnd(Job job) => job.Deadline + HardEndAfterDeadline;

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one < other ? one : other ?? one;
}
