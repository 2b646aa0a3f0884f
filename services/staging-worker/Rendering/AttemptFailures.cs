using HomeStage.Contracts;
using HomeStage.Worker.Prompting;
using HomeStage.Worker.Provider;

namespace HomeStage.Worker.Rendering;

/// <summary>An attempt failed on our side of the provider.</summary>
internal sealed class AttemptException(ProviderFailure failure, Exception? inner = null, ProviderUsage? usage = null)
    : Exception($"The attempt failed: {failure.Code}.", inner)
{
    public ProviderFailure Failure => failure;

    /// <summary>What is known of the provider call; null if there was none.</summary>
    public ProviderUsage? Usage => usage;
}

/// <summary>The failures that are ours.</summary>
internal static class AttemptFailures
{
    internal static ProviderFailure PhotoGone => new("photo_missing", Retryable: false, MayHaveCost: false);

    internal static ProviderFailure PhotoUnreadable => new("photo_unreadable", Retryable: false, MayHaveCost: false);

    internal static ProviderFailure StoreAway(bool paid) => new("storage_unavailable", Retryable: true, MayHaveCost: paid);

    /// <summary>A fault of this program. It counts towards the budget, so that it cannot go on for ever.</summary>
    internal static ProviderFailure Unforeseen => new("worker_error", Retryable: true, MayHaveCost: true);

    /// <summary>A prompt version that is newer than this build is left to a newer worker; what no build knows ends the job.</summary>
    internal static ProviderFailure UnknownOptions(int promptVersion) => promptVersion > PromptBuilder.NewestVersion
        ? new("prompt_version_unknown", Retryable: true, MayHaveCost: false)
        : new("options_unknown", Retryable: false, MayHaveCost: false);
}
