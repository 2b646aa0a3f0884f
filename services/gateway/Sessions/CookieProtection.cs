using System.Security.Cryptography;
using System.Text;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.DataProtection;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// The framework's data protection over <see cref="CookieKeys"/>: key id, then what that key encrypted. Purposes are bound in as
/// associated data, so that what was protected for one cannot be read for another.
/// </summary>
internal sealed class CookieProtection(CookieKeys keys, string purposes = "homestage") : IDataProtector
{
    public IDataProtector CreateProtector(string purpose) => new CookieProtection(keys, purposes + '\0' + purpose);

    public byte[] Protect(byte[] plaintext)
    {
        var key = keys.Newest
            ?? throw new ProblemException(Problem.Result(ProblemCode.IdentityUnavailable, "No session can be given right now. Try again later."));
        return [.. key.Id, .. key.Encryptor.Encrypt(plaintext, Purposes)];
    }

    public byte[] Unprotect(byte[] protectedData)
    {
        if (protectedData.Length <= CookieKey.IdLength || keys.Find(protectedData.AsSpan(0, CookieKey.IdLength)) is not { } key)
            throw new CryptographicException("No key decrypts this.");
        return key.Encryptor.Decrypt(new ArraySegment<byte>(protectedData)[CookieKey.IdLength..], Purposes);
    }

    private ArraySegment<byte> Purposes => Encoding.UTF8.GetBytes(purposes);
}
