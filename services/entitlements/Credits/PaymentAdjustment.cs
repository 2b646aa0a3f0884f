using HomeStage.Contracts;

namespace HomeStage.Entitlements.Credits;

/// <summary>What billing last said of an order's money, as it is read.</summary>
internal sealed class PaymentAdjustment
{
    public required Guid OrderId { get; init; }

    /// <summary>In the currency's minor unit.</summary>
    public required long AmountPaid { get; init; }

    /// <summary>In the currency's minor unit.</summary>
    public required long AmountReturned { get; init; }

    public required bool DisputeOpen { get; init; }

    public required long Revision { get; init; }

    public required DateTimeOffset ReceivedAt { get; init; }

    internal OrderStep AsStep() => new()
    {
        At = ReceivedAt,
        What = "adjustment_received",
        Detail = $"Entitlements learned that {AmountReturned} of {AmountPaid} (minor units) went back and that "
            + $"{(DisputeOpen ? "a dispute is open" : "no dispute is open")}: revision {Revision}.",
    };
}
