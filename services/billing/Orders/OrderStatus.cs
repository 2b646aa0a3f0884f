using System.Text.Json;
using System.Text.Json.Serialization;

namespace HomeStage.Billing.Orders;

/// <summary>What an order is, said in one word; computed from its facts. A later line outweighs an earlier one.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OrderStatus>))]
internal enum OrderStatus
{
    [JsonStringEnumMemberName("pending")]
    Pending,
    [JsonStringEnumMemberName("expired")]
    Expired,
    [JsonStringEnumMemberName("failed")]
    Failed,
    [JsonStringEnumMemberName("paid")]
    Paid,
    [JsonStringEnumMemberName("partially_refunded")]
    PartiallyRefunded,
    [JsonStringEnumMemberName("refunded")]
    Refunded,
    [JsonStringEnumMemberName("disputed")]
    Disputed,
    [JsonStringEnumMemberName("charged_back")]
    ChargedBack,
}

internal static class OrderStatusExtensions
{
    /// <summary>The status as it is written on the wire.</summary>
    internal static string Word(this OrderStatus status) => JsonSerializer.SerializeToElement(status).GetString()!;
}
