using HomeStage.Contracts;

namespace HomeStage.Worker.Provider;

/// <summary>Why an attempt ended without pictures, in the terms of <see cref="Contracts.StagingFailed"/>.</summary>
/// <param name="Code">A stable code of ours.</param>
/// <param name="Retryable">Whether another attempt may succeed.</param>
/// <param name="MayHaveCost">Whether the provider may have charged for it.</param>
internal sealed record ProviderFailure(string Code, bool Retryable, bool MayHaveCost)
{
    /// <summary>How long the provider asked to wait, or what we wait where it said nothing and waiting is needed.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether no worker should call the provider for that time.</summary>
    public bool PausesAll { get; init; }

    /// <summary>Whether the provider itself seems to be down, which <see cref="ProviderBreaker"/> counts.</summary>
    public bool IsOutage { get; init; }
}

/// <summary>The provider call failed.</summary>
internal sealed class ProviderException(ProviderFailure failure, ProviderUsage usage, Exception? inner = null)
    : Exception($"The provider call failed: {failure.Code}.", inner)
{
    public ProviderFailure Failure => failure;

    /// <summary>What is known of the call.</summary>
    public ProviderUsage Usage => usage;
}

/// <summary>What an error answer of the provider said.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code"><c>error.code</c>.</param>
/// <param name="Type"><c>error.type</c>.</param>
/// <param name="Header">Reads a header of the answer; null where it is not there.</param>
internal sealed record ProviderRefusal(int Status, string? Code, string? Type, Func<string, string?> Header);

/// <summary>The failure taxonomy: from what happened to what the job is told. Pure.</summary>
internal static class ProviderFailures
{
    internal const string Unauthorized = "provider_unauthorized";
    internal const string Misconfigured = "provider_misconfigured";
    internal const string Unavailable = "provider_unavailable";
    internal const string Moderated = "moderation_blocked";

    private static readonly TimeSpan PauseWhenUnusable = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PauseWithoutQuota = TimeSpan.FromMinutes(5);

    internal static ProviderFailure Of(ProviderRefusal refusal, DateTimeOffset now) => refusal switch
    {
        { Status: 400 } when IsModeration(refusal.Code) => new(Moderated, Retryable: false, MayHaveCost: false),
        { Status: 400, Code: "billing_hard_limit_reached" } or { Status: 400, Type: "billing_limit_user_error" } => Pausing("provider_quota_exhausted", PauseWithoutQuota),
        { Status: 401 or 403 } => Pausing(Unauthorized, PauseWhenUnusable),
        // The model or the address is wrong: no job can succeed, and none is at fault.
        { Status: 404 } => Pausing(Misconfigured, PauseWhenUnusable),
        { Status: 429, Code: "insufficient_quota" } or { Status: 429, Type: "insufficient_quota" } =>
            Pausing("provider_quota_exhausted", Longer(PauseWithoutQuota, RetryHints.RetryAfter(refusal.Header, now))),
        { Status: 429 } => Pausing("provider_rate_limited", RetryHints.RateLimit(refusal.Header, now)),
        { Status: 408 or 409 or >= 500 } => new(Unavailable, Retryable: true, MayHaveCost: true)
        {
            RetryAfter = RetryHints.RetryAfter(refusal.Header, now),
            IsOutage = refusal.Status >= 500,
        },
        { Status: >= 400 } => new("provider_rejected", Retryable: false, MayHaveCost: false),
        _ => Malformed,
    };

    /// <summary>The connection failed, or broke. What was not sent whole cannot have been carried out.</summary>
    internal static ProviderFailure Disconnected(bool sent) => sent
        ? new("provider_connection_lost", Retryable: true, MayHaveCost: true) { IsOutage = true }
        : new("provider_unreachable", Retryable: true, MayHaveCost: false) { IsOutage = true };

    /// <summary>No whole answer in time.</summary>
    internal static ProviderFailure TimedOut(bool sent) => new("provider_timeout", Retryable: true, MayHaveCost: sent) { IsOutage = true };

    /// <summary>A success whose body makes no sense.</summary>
    internal static ProviderFailure Malformed => new("provider_malformed", Retryable: true, MayHaveCost: true);

    /// <summary>A success without a single usable picture.</summary>
    internal static ProviderFailure NoPicture => new("provider_no_picture", Retryable: true, MayHaveCost: true);

    private static ProviderFailure Pausing(string code, TimeSpan pause) =>
        new(code, Retryable: true, MayHaveCost: false) { RetryAfter = pause, PausesAll = true };

    internal static bool IsModeration(string? code) => code is Moderated or "content_policy_violation" or "content_filter";

    private static TimeSpan Longer(TimeSpan one, TimeSpan? other) => other > one ? other.Value : one;
}
