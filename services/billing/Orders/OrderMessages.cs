using HomeStage.Contracts;

namespace HomeStage.Billing.Orders;

/// <summary>What entitlements is told about a paid order.</summary>
internal static class OrderMessages
{
    internal static PaymentCompleted Completed(Order order, RestoreCodes codes) => new()
    {
        OrderId = order.Id,
        AccountId = order.AccountId,
        Plan = order.Plan,
        Credits = order.Credits,
        ValidForDays = order.DurationDays,
        PaidAt = order.PaidAt!.Value,
        Amount = order.AmountPaid!.Value,
        Currency = order.Currency,
        RestoreCodeHash = codes.HashOf(order.Id),
    };

    internal static PaymentAdjusted Adjusted(Order order) => new()
    {
        OrderId = order.Id,
        AmountPaid = order.AmountPaid!.Value,
        AmountReturned = order.AmountReturned,
        DisputeOpen = order.DisputeOpen,
        Revision = order.Revision,
    };
}
