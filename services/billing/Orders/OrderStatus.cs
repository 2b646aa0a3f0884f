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
