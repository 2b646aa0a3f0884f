using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Billing.Stripe;

/// <summary>
/// Stripe's signature of a webhook: <c>Stripe-Signature: t=…,v1=…[,v1=…]</c> with HMAC-SHA-256 over <c>t.payload</c>.
/// The header is read as Stripe's own libraries read it: unknown schemes are passed over, the last <c>t</c> counts.
/// </summary>
internal static class WebhookSignature
{
    /// <summary>How far the time of signing may be from now, either way.</summary>
    internal static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(300);

    private const string Missing = "signature_missing";
    private const string Malformed = "signature_malformed";
    private const string Mismatch = "signature_mismatch";
    private const string TooOld = "signature_too_old";
    private const string InTheFuture = "signature_in_the_future";

    /// <summary>Why signatures are refused, in words for logs and metrics.</summary>
    internal static readonly IReadOnlyList<string> Reasons = [Missing, Malformed, Mismatch, TooOld, InTheFuture];

    /// <summary>Checks a signature; null if it is right, else one of <see cref="Reasons"/>.</summary>
    /// <param name="payload">The body as it arrived, byte by byte.</param>
    /// <param name="header">The header's value.</param>
    /// <param name="secrets">Any of them may have been used.</param>
    /// <param name="now">The current time.</param>
    internal static string? Refuse(ReadOnlySpan<byte> payload, string? header, IReadOnlyList<string> secrets, DateTimeOffset now)
    {
        if (string.IsNullOrEmpty(header))
            return Missing;
        var (signedAt, signatures) = Parse(header);
        if (signedAt is not { } seconds || signatures.Count == 0)
            return Malformed;
        if (!Matches(payload, seconds, signatures, secrets))
            return Mismatch;
        var age = now.ToUnixTimeSeconds() - seconds;
        return Math.Abs(age) <= Tolerance.TotalSeconds ? null : age > 0 ? TooOld : InTheFuture;
    }

    private static (long? SignedAt, List<string> Signatures) Parse(string header)
    {
        long? signedAt = null;
        var signatures = new List<string>();
        foreach (var item in header.Split(','))
        {
            var (scheme, value) = item.IndexOf('=', StringComparison.Ordinal) is > 0 and var at ? (item[..at], item[(at + 1)..]) : (item, "");
            if (scheme == "t")
                signedAt = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;
            else if (scheme == "v1")
                signatures.Add(value);
        }

        return (signedAt, signatures);
    }

    /// <summary>Every secret is tried against every signature, so that the time taken tells nothing.</summary>
    private static bool Matches(ReadOnlySpan<byte> payload, long signedAt, List<string> signatures, IReadOnlyList<string> secrets)
    {
        var prefix = Encoding.ASCII.GetBytes(signedAt.ToString(CultureInfo.InvariantCulture) + ".");
        var matches = false;
        foreach (var secret in secrets)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
            hmac.AppendData(prefix);
            hmac.AppendData(payload);
            // Compared as text: Stripe writes lower case, and what differs in a single bit is refused.
            var expected = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hmac.GetHashAndReset()));
            foreach (var signature in signatures)
                matches |= CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature), expected);
        }

        return matches;
    }
}
