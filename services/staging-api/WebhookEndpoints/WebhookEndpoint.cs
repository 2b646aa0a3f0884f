namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>An address of a customer's program that is told of events.</summary>
internal sealed record WebhookEndpoint
{
    /// <summary>Endpoints that an account may have.</summary>
    internal const int MostOfAccount = 10;

    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public required string Url { get; init; }

    public string? Description { get; init; }

    /// <summary>Some of <see cref="WebhookEventTypes.All"/>.</summary>
    public required string[] EventTypes { get; init; }

    public bool Enabled { get; init; } = true;

    /// <summary>Why it is not enabled, one of <see cref="WebhookDisabled"/>.</summary>
    public string? DisabledReason { get; init; }

    /// <summary>Sealed by <see cref="WebhookSecrets"/>.</summary>
    public required byte[] Secret { get; init; }

    /// <summary>The secret before the rotation, which signs too until <see cref="PreviousSecretUntil"/>.</summary>
    public byte[]? PreviousSecret { get; init; }

    public DateTimeOffset? PreviousSecretUntil { get; init; }

    /// <summary>The first of the failures after which nothing has succeeded.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Why an endpoint is told nothing.</summary>
internal static class WebhookDisabled
{
    /// <summary>Its owner wants it so.</summary>
    internal const string ByOwner = "owner";

    /// <summary>Nothing succeeded for <see cref="WebhookRules.DisabledAfter"/>. Its events are kept, and sent when it is enabled.</summary>
    internal const string Failing = "failing";

    /// <summary>It answered 410.</summary>
    internal const string Gone = "gone";
}

/// <summary>One event for one endpoint.</summary>
internal sealed record WebhookDelivery
{
    /// <summary>Counts up; the order of the log.</summary>
    public long N { get; init; }

    /// <summary>The <c>webhook-id</c> of all its attempts, also when it is replayed.</summary>
    public required Guid Id { get; init; }

    public required Guid EndpointId { get; init; }

    public required string Type { get; init; }

    /// <summary>The body that is signed and sent.</summary>
    public required string Payload { get; init; }

    /// <summary>One of <see cref="WebhookDeliveryStatus"/>.</summary>
    public string Status { get; init; } = WebhookDeliveryStatus.Pending;

    public int Attempts { get; init; }

    public int RoundAttempts { get; init; }

    public DateTimeOffset? NextAttemptAt { get; init; }

    public Guid? ClaimId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Where a delivery is.</summary>
internal static class WebhookDeliveryStatus
{
    internal const string Pending = "pending";
    internal const string Succeeded = "succeeded";
    internal const string Failed = "failed";

    internal static readonly string[] All = [Pending, Succeeded, Failed];
}

/// <summary>What became of one attempt.</summary>
internal sealed record WebhookAttempt
{
    public required long DeliveryN { get; init; }

    public required int N { get; init; }

    public required DateTimeOffset At { get; init; }

    public required int DurationMs { get; init; }

    /// <summary>The HTTP status; null where there was no answer.</summary>
    public int? Status { get; init; }

    /// <summary>Why there was no answer, one of <see cref="WebhookErrors"/>.</summary>
    public string? Error { get; init; }

    /// <summary>How the receiver's answer begins.</summary>
    public string? Answer { get; init; }
}
