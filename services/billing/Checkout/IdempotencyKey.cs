namespace HomeStage.Billing.Checkout;

/// <summary>
/// A client's <c>Idempotency-Key</c> and what its request led to: an order, or the refusal to be repeated word by word.
/// Kept for three days, of which a day is promised.
/// </summary>
internal sealed class IdempotencyKey
{
    internal static readonly TimeSpan KeptFor = TimeSpan.FromDays(3);

    public required Guid AccountId { get; init; }

    public required string Key { get; init; }

    /// <summary>SHA-256 of the body: the key belongs to these bytes.</summary>
    public required byte[] Fingerprint { get; init; }

    public Guid? OrderId { get; init; }

    /// <summary>The errors of a refused request as JSON.</summary>
    public string? Refusal { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
