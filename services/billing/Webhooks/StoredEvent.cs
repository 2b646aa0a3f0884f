namespace HomeStage.Billing.Webhooks;

/// <summary>What became of an event.</summary>
internal enum EventState
{
    /// <summary>What it says is part of its order's facts.</summary>
    Applied,

    /// <summary>It is none of our business.</summary>
    Ignored,

    /// <summary>It contradicts its order; nothing was applied and a person must look.</summary>
    Flagged,

    /// <summary>It will be tried (again) when it is due.</summary>
    Waiting,
}

/// <summary>How an event came.</summary>
internal enum EventSource
{
    /// <summary>Delivered by Stripe, with its signature.</summary>
    Webhook,

    /// <summary>Found in Stripe's own list of events.</summary>
    List,
}

/// <summary>An event of Stripe's, as it arrived, and what became of it.</summary>
internal sealed class StoredEvent
{
    /// <summary>Stripe's id of the event.</summary>
    public required string Id { get; init; }

    public required string Type { get; init; }

    public required bool Livemode { get; init; }

    public string? ApiVersion { get; init; }

    /// <summary>When it happened, by Stripe's clock.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>The bytes as they came; empty once <see cref="PayloadRetention"/> has emptied them.</summary>
    public required byte[] Payload { get; init; }

    public required EventSource Source { get; init; }

    /// <summary>The order that it names, which may not be there.</summary>
    public Guid? OrderId { get; init; }

    public required EventState State { get; init; }

    /// <summary>Why, as a word.</summary>
    public string? Reason { get; init; }

    /// <summary>When a waiting event is tried; also the lease of the replica that tries it.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>How often it was tried after its arrival.</summary>
    public int Attempts { get; init; }

    public DateTimeOffset? SettledAt { get; init; }
}
