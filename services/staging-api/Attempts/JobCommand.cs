using HomeStage.Contracts;

namespace HomeStage.Staging.Attempts;

/// <summary>Everything that can happen to a job.</summary>
internal abstract record JobCommand
{
    /// <summary>
    /// Entitlements holds what the job costs. <paramref name="Waits"/>: whether another job of its listing goes first, whose picture this one's
    /// are to resemble.
    /// </summary>
    internal sealed record HoldTaken(int Credits, bool Free, bool Waits = false) : JobCommand;

    /// <summary>Entitlements refused the hold.</summary>
    internal sealed record HoldRefused(string Code) : JobCommand;

    /// <summary>A worker wants to make an attempt.</summary>
    internal sealed record Claim(Guid ClaimId, int Attempt) : JobCommand;

    /// <summary>A worker wants to go on.</summary>
    internal sealed record Renew(Guid ClaimId) : JobCommand;

    /// <summary>An attempt reached another phase.</summary>
    internal sealed record Progress(int Attempt, string Phase, string? PreviewBlob) : JobCommand;

    /// <summary>An attempt delivered pictures.</summary>
    internal sealed record Deliver(int Attempt, IReadOnlyList<Picture> Pictures, ProviderUsage Usage) : JobCommand;

    /// <summary>An attempt ended without pictures. <paramref name="Jitter"/> in [0, 1) spreads the retry.</summary>
    internal sealed record Fail(
        int Attempt, string Code, bool Retryable, bool MayHaveCost, TimeSpan? RetryAfter, double Jitter, ProviderUsage? Usage = null) : JobCommand;

    /// <summary>The owner wants it ended. <paramref name="LateAllowed"/>: whether they may still cancel after a provider call began.</summary>
    internal sealed record Cancel(bool LateAllowed) : JobCommand;

    /// <summary>The scheduler looks. <paramref name="LeasesMayExpire"/> is false while workers may not have been able to renew.</summary>
    internal sealed record Tick(bool LeasesMayExpire) : JobCommand;
}

/// <summary>What to do with a job: the next value of it, and what goes with that in the same transaction.</summary>
/// <param name="Job">The same instance as before if nothing changes.</param>
internal sealed record JobDecision(Job Job)
{
    /// <summary>The answer to a claim, renewal or cancellation.</summary>
    public string Answer { get; init; } = "";

    /// <summary>The type of the event to append.</summary>
    public string? Event { get; init; }

    /// <summary>Whether the current attempt goes out to the workers.</summary>
    public bool Send { get; init; }

    /// <summary>Whether the hold is settled with <see cref="Job.CreditsUsed"/>.</summary>
    public bool Settle { get; init; }

    /// <summary>The attempt that ended by this.</summary>
    public AttemptEnd? Ended { get; init; }

    /// <summary>The account in whose stream the event was stored: another than the job's once that was merged.</summary>
    public Guid? Stream { get; init; }
}

/// <summary>What became of an attempt.</summary>
internal sealed record AttemptEnd(int Attempt, string Outcome, bool MayHaveCost, DateTimeOffset? ClaimedAt, ProviderUsage? Usage = null);
