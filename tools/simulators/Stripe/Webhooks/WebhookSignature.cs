using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Simulators.Stripe.Webhooks;

/// <summary>The <c>Stripe-Signature</c> header: HMAC-SHA-256 over <c>t.payload</c>, once for each secret.</summary>
internal static class WebhookSignature
{
    public static string Of(string payload, long timestamp, IEnumerable<string> secrets) =>
        $"t={timestamp},{string.Join(',', secrets.Select(secret => $"v1={Sign($"{timestamp}.{payload}", secret)}"))}";

    private static string Sign(string signed, string secret) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(signed)));
}
