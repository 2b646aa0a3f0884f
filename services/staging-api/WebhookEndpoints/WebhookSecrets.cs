using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>
/// Makes endpoints' secrets, seals them for the database (AES-256-GCM, bound to the endpoint), and signs with them by Standard Webhooks 1.0.
/// </summary>
internal sealed class WebhookSecrets
{
    private const string Prefix = "whsec_";
    private const int SecretBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int ShortestKey = 32;

    private readonly byte[][] _keys;

    /// <param name="keys">The first seals; all of them open.</param>
    internal WebhookSecrets(IEnumerable<string> keys) =>
        _keys = [.. keys.Select(key => HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(key), 32, info: "homestage webhook secrets"u8.ToArray()))];

    /// <summary>Reads <c>WEBHOOK_SECRETS_KEY</c>.</summary>
    internal static WebhookSecrets Read(Settings settings)
    {
        const string name = "WEBHOOK_SECRETS_KEY";
        var text = settings.Secret(name, "a random text that seals the secrets of webhook endpoints; several separated by commas while it is changed, the new one first", ShortestKey);
        var keys = text.Split(',', StringSplitOptions.TrimEntries);
        if (keys.Any(key => key.Length < ShortestKey))
            settings.Refuse(name, $"has a key that is too short: {ShortestKey} characters at least, each");
        return new(keys);
    }

    internal static byte[] New() => RandomNumberGenerator.GetBytes(SecretBytes);

    /// <summary>The secret as its owner gets it.</summary>
    internal static string TextOf(byte[] secret) => Prefix + Convert.ToBase64String(secret);

    internal byte[] Seal(Guid endpointId, byte[] secret)
    {
        var @sealed = new byte[NonceBytes + secret.Length + TagBytes];
        RandomNumberGenerator.Fill(Nonce(@sealed));
        using var aes = new AesGcm(_keys[0], TagBytes);
        aes.Encrypt(Nonce(@sealed), secret, Cipher(@sealed), Tag(@sealed), endpointId.ToByteArray());
        return @sealed;
    }

    /// <exception cref="CryptographicException">None of the keys has sealed it, or it is another endpoint's.</exception>
    internal byte[] Open(Guid endpointId, byte[] @sealed)
    {
        var secret = new byte[Cipher(@sealed).Length];
        foreach (var key in _keys)
        {
            using var aes = new AesGcm(key, TagBytes);
            try
            {
                aes.Decrypt(Nonce(@sealed), Cipher(@sealed), Tag(@sealed), secret, endpointId.ToByteArray());
                return secret;
            }
            catch (AuthenticationTagMismatchException)
            {
                // Perhaps an older key.
            }
        }

        throw new CryptographicException("A webhook secret cannot be opened: WEBHOOK_SECRETS_KEY lacks the key that sealed it.");
    }

    /// <summary>The value of <c>webhook-signature</c>: one signature for each secret.</summary>
    internal static string Sign(IEnumerable<byte[]> secrets, string id, long timestamp, string payload)
    {
        var content = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{payload}"));
        return string.Join(' ', secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, content))));
    }

    private static Span<byte> Nonce(byte[] @sealed) => @sealed.AsSpan(0, NonceBytes);

    private static Span<byte> Cipher(byte[] @sealed) => @sealed.AsSpan(NonceBytes, @sealed.Length - NonceBytes - TagBytes);

    private static Span<byte> Tag(byte[] @sealed) => @sealed.AsSpan(@sealed.Length - TagBytes);
}
