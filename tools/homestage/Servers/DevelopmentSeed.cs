using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Tool.Servers;

/// <summary>
/// 32 random bytes from which every password and secret of one data folder follows, so that they are random for each folder,
/// the same in every run on it, and none of them has to be kept but this one.
/// </summary>
public sealed class DevelopmentSeed
{
    private const int Size = 32;
    private readonly byte[] _seed;

    private DevelopmentSeed(byte[] seed) => _seed = seed;

    /// <summary>A new random seed.</summary>
    public static DevelopmentSeed Create() => new(RandomNumberGenerator.GetBytes(Size));

    /// <summary>Reads what <see cref="ToString"/> wrote; null if it is not that.</summary>
    public static DevelopmentSeed? Parse(string text) =>
        Base64Url.IsValid(text, out var size) && size == Size ? new(Base64Url.DecodeFromChars(text)) : null;

    /// <summary>The secret of this name: 43 characters of base64url, 256 bit.</summary>
    public string Secret(string name) => Base64Url.EncodeToString(HMACSHA256.HashData(_seed, Encoding.UTF8.GetBytes(name)));

    /// <summary>The seed as text, for a file that only its owner can read.</summary>
    public override string ToString() => Base64Url.EncodeToString(_seed);
}
