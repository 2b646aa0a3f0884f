using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Billing.Orders;

/// <summary>
/// The code that opens a visitor's account on another device: the first 16 bytes of HMAC-SHA-256(<c>RESTORE_CODE_KEY</c>, order id), where
/// key and id (lower case, with hyphens) are taken as UTF-8. Nothing of it is stored here: it can be computed again, and entitlements
/// gets its hash.
/// </summary>
/// <remarks>
/// The canonical form is the 128 bits in Crockford's base 32 (<c>0-9A-Z</c> without I, L, O, U; https://www.crockford.com/base32.html), most
/// significant bit first, two zero bits at the end: 26 upper-case characters without separators. People get it in groups, see <see cref="Shown"/>.
/// </remarks>
internal sealed class RestoreCodes(string key)
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Bits = 128;
    private const int Group = 5;

    private readonly byte[] _key = Encoding.UTF8.GetBytes(key);

    /// <summary>The code as people copy it: the canonical form in groups of five with hyphens, the last one of six.</summary>
    internal string Shown(Guid orderId)
    {
        var code = Canonical(orderId);
        return string.Join('-', code[..5], code[5..10], code[10..15], code[15..20], code[20..]);
    }

    /// <summary>Lower-case hexadecimal SHA-256 of the canonical form's ASCII bytes.</summary>
    internal string HashOf(Guid orderId) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(Canonical(orderId))));

    internal string Canonical(Guid orderId)
    {
        var bytes = HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(orderId.ToString())).AsSpan(0, Bits / 8);
        var code = new StringBuilder();
        for (var bit = 0; bit < Bits; bit += Group)
        {
            var window = (bytes[bit / 8] << 8) | (bit / 8 + 1 < bytes.Length ? bytes[(bit / 8) + 1] : 0);
            code.Append(Alphabet[(window >> (16 - Group - (bit % 8))) & 31]);
        }

        return code.ToString();
    }
}
