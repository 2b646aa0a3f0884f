using System.Security.Cryptography;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>Ids that look like Stripe's.</summary>
internal static class StripeId
{
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static string Session() => $"cs_test_a1{Random(56)}";

    public static string Request() => $"req_{Random(14)}";

    public static string Product() => $"prod_{Random(14)}";

    /// <summary>Objects around a payment carry a 3 (<c>pi_3…</c>), the others a 1 (<c>price_1…</c>).</summary>
    public static string OfPayment(string prefix) => $"{prefix}_3{Random(23)}";

    public static string New(string prefix) => $"{prefix}_1{Random(23)}";

    public static string Secret(string id) => $"{id}_secret_{Random(25)}";

    private static string Random(int length) => RandomNumberGenerator.GetString(Alphabet, length);
}
