namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>What an attempt came to.</summary>
/// <param name="Status">The HTTP status; null where there was no answer.</param>
/// <param name="RetryAfter">What the receiver asked for.</param>
internal sealed record WebhookOutcome(int? Status, TimeSpan? RetryAfter = null)
{
    internal bool Succeeded => Status is >= 200 and < 300;

    internal bool Gone => Status == StatusCodes.Status410Gone;
}

/// <summary>What follows from an attempt.</summary>
/// <param name="Status">Of the delivery, one of <see cref="WebhookDeliveryStatus"/>.</param>
/// <param name="NextAttemptAt">When it is tried again; null once it is not.</param>
/// <param name="FailingSince">Of the endpoint.</param>
/// <param name="Disable">Why the endpoint is to be disabled now, one of <see cref="WebhookDisabled"/>; null if it is not.</param>
internal sealed record WebhookDecision(string Status, DateTimeOffset? NextAttemptAt, DateTimeOffset? FailingSince, string? Disable = null);

/// <summary>When a delivery is tried again and when it and its endpoint are given up: a pure function.</summary>
internal static class WebhookRules
{
    /// <summary>The waits between attempts, as Standard Webhooks 1.0 suggests; each is made up to a tenth shorter or longer.</summary>
    internal static readonly TimeSpan[] Waits =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(14), TimeSpan.FromHours(24),
    ];

    /// <summary>The longest <c>Retry-After</c> that is honoured.</summary>
    internal static readonly TimeSpan LongestRetryAfter = TimeSpan.FromHours(24);

    /// <summary>How long nothing may have succeeded before an endpoint is disabled.</summary>
    internal static readonly TimeSpan DisabledAfter = TimeSpan.FromDays(5);

    /// <param name="roundAttempts">Attempts of this round, this one included.</param>
    /// <param name="failingSince">Since when the endpoint has only failed.</param>
    /// <param name="outcome">What the attempt came to.</param>
    /// <param name="now">When it ended.</param>
    /// <param name="jitter">From 0 to 1.</param>
    internal static WebhookDecision Decide(int roundAttempts, DateTimeOffset? failingSince, WebhookOutcome outcome, DateTimeOffset now, double jitter)
    {
        if (outcome.Succeeded)
            return new(WebhookDeliveryStatus.Succeeded, null, FailingSince: null);
        var since = failingSince ?? now;
        if (outcome.Gone)
            return new(WebhookDeliveryStatus.Failed, null, since, WebhookDisabled.Gone);
        var disable = now - since >= DisabledAfter ? WebhookDisabled.Failing : null;
        return roundAttempts > Waits.Length
            ? new(WebhookDeliveryStatus.Failed, null, since, disable)
            : new(WebhookDeliveryStatus.Pending, now + Wait(roundAttempts, outcome.RetryAfter, jitter), since, disable);
    }

    private static TimeSpan Wait(int roundAttempts, TimeSpan? retryAfter, double jitter)
    {
        var scheduled = Waits[roundAttempts - 1] * (0.9 + (0.2 * jitter));
        var asked = retryAfter > LongestRetryAfter ? LongestRetryAfter : retryAfter ?? TimeSpan.Zero;
        return asked > scheduled ? asked : scheduled;
    }
}
