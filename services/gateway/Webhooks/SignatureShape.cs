using System.Buffers;
using System.Globalization;

namespace HomeStage.Gateway.Webhooks;

/// <summary>
/// Whether a <c>Stripe-Signature</c> could be right: of the form <c>t=…,v1=…</c>, with a time near now. Whether it is right only billing
/// can say, which knows the secret; this keeps out what costs nothing to send.
/// </summary>
internal static class SignatureShape
{
    private const string Missing = "signature_missing";
    private const string Malformed = "signature_malformed";
    private const string Stale = "signature_stale";
    private const int Longest = 2048;
    private const int Digits = 64;

    /// <summary>Why signatures are refused here, in words for logs and metrics.</summary>
    internal static readonly IReadOnlyList<string> Reasons = [Missing, Malformed, Stale];

    private static readonly TimeSpan Tolerance = TimeSpan.FromSeconds(300);
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>Null if it could be right, else one of <see cref="Reasons"/>.</summary>
    internal static string? Refuse(string header, DateTimeOffset now)
    {
        if (header.Length == 0)
            return Missing;
        if (header.Length > Longest)
            return Malformed;
        long? signedAt = null;
        var signed = false;
        foreach (var range in header.AsSpan().Split(','))
        {
            var item = header.AsSpan()[range];
            if (item.StartsWith("t="))
                signedAt = long.TryParse(item[2..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;
            else if (item.StartsWith("v1="))
                signed |= item.Length == Digits + 3 && !item[3..].ContainsAnyExcept(Hexadecimal);
        }

        if (signedAt is not { } at || !signed)
            return Malformed;
        return Math.Abs(now.ToUnixTimeSeconds() - at) <= Tolerance.TotalSeconds ? null : Stale;
    }
}
