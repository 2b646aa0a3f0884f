using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace HomeStage.Staging.Attempts;

/// <summary>
/// What the provider is told instead of the account, to handle abuse: HMAC-SHA-256 with a pepper of ours. The same account
/// always has the same one, and nobody without the pepper can tell whose it is.
/// </summary>
internal sealed class SafetyId(string pepper)
{
    private readonly byte[] _key = Encoding.UTF8.GetBytes(pepper);

    internal string Of(Guid account) => Base64Url.EncodeToString(HMACSHA256.HashData(_key, account.ToByteArray(bigEndian: true)));
}
