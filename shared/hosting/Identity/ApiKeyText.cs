using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Hosting.Identity;

/// <summary>
/// An API key as text: <c>hs_live_</c>, 40 random characters (238 bit), and 6 that are computed from what is before them. So a key that was
/// mistyped, cut off or made up is known as none without asking anybody, and scanners for leaked secrets find the real ones by their form.
/// </summary>
public static class ApiKeyText
{
    /// <summary>What every key begins with.</summary>
    public const string Prefix = "hs_live_";

    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int RandomLength = 40;
    private const int ChecksumLength = 6;

    private static readonly SearchValues<char> Letters = SearchValues.Create(Alphabet);

    /// <summary>A new key.</summary>
    public static string Create()
    {
        var body = Prefix + RandomNumberGenerator.GetString(Alphabet, RandomLength);
        return body + Checksum(body);
    }

    /// <summary>Whether a credential has the form of a key, right or wrong.</summary>
    public static bool IsMeant(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Whether it is well formed and its checksum is right; says nothing of whether there is such a key.</summary>
    public static bool IsWellFormed(string text) =>
        text.Length == Prefix.Length + RandomLength + ChecksumLength && IsMeant(text)
        && !text.AsSpan(Prefix.Length).ContainsAnyExcept(Letters)
        && text.AsSpan(text.Length - ChecksumLength).SequenceEqual(Checksum(text[..^ChecksumLength]));

    /// <summary>SHA-256 of a key, which is all of it that leaves the gateway.</summary>
    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.ASCII.GetBytes(key));

    private static string Checksum(string body)
    {
        var number = BitConverter.ToUInt64(SHA256.HashData(Encoding.ASCII.GetBytes(body)).AsSpan(0, sizeof(ulong)));
        return string.Create(ChecksumLength, number, static (letters, rest) =>
        {
            for (var i = 0; i < letters.Length; i++, rest /= (ulong)Alphabet.Length)
                letters[i] = Alphabet[(int)(rest % (ulong)Alphabet.Length)];
        });
    }
}
