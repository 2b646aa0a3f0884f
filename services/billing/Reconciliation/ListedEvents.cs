using System.Text;
using System.Text.Json;

namespace HomeStage.Billing.Reconciliation;

/// <summary>Events as Stripe's list has them.</summary>
internal static class ListedEvents
{
    /// <summary>The event's part of the answer, byte by byte.</summary>
    internal static byte[] PayloadOf(JsonElement json) => Encoding.UTF8.GetBytes(json.GetRawText());
}
