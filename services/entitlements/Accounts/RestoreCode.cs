using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Entitlements.Accounts;

/// <summary>
/// The code on a visitor's paid order that opens the account on another device: 128 bit in Crockford's base32
/// (https://www.crockford.com/base32.html). Only its hash is known here.
/// </summary>
internal static class RestoreCode
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    // 128 bit at 5 bit a symbol.
    private const int Symbols = 26;

    /// <summary>
    /// Lower-case hexadecimal SHA-256 of the canonical form (upper case, no separators, in ASCII) of what a person typed: case, spaces and
    /// hyphens do not matter, O is read as 0, I and L as 1. Null if it is no code.
    /// </summary>
    internal static string? HashOf(string typed)
    {
        var canonical = new StringBuilder(Symbols);
        foreach (var letter in typed)
        {
            if (letter is '-' || char.IsWhiteSpace(letter))
                continue;
            var symbol = char.ToUpperInvariant(letter) switch
            {
                'O' => '0',
                'I' or 'L' => '1',
                var other => other,
            };
            if (canonical.Length == Symbols || !Alphabet.Contains(symbol, StringComparison.Ordinal))
                return null;
            canonical.Append(symbol);
        }

        return canonical.Length == Symbols ? Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(canonical.ToString()))) : null;
    }
}
