using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Logging.Abstractions;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// The keys of the session cookie: <c>*.key</c> files in <c>COOKIE_KEYS_DIR</c>, 64 random bytes in base64 each. The last by name
/// encrypts, all decrypt. The folder is read again each minute, and at once (but no more than each five seconds) for a cookie of an
/// unknown key, so that a rotation reaches every replica without a restart. A folder that cannot be read leaves the keys as they were.
/// </summary>
internal sealed partial class CookieKeys(string folder, TimeProvider time, ILogger<CookieKeys> logger)
{
    internal const string Pattern = "*.key";

    private const int KeyLength = 64;

    /// <summary>How old what was read may be.</summary>
    internal static readonly TimeSpan ReadEvery = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ReadAtMostEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private IReadOnlyList<CookieKey> _keys = [];
    private DateTimeOffset _readAt = DateTimeOffset.MinValue;
    private string? _problem;

    /// <summary>Why the folder's keys cannot be used, or null.</summary>
    internal string? Problem
    {
        get
        {
            lock (_gate)
            {
                Read(_problem is null ? ReadEvery : TimeSpan.Zero);
                return _problem;
            }
        }
    }

    /// <summary>The key that encrypts; null if no key could ever be read.</summary>
    internal CookieKey? Newest
    {
        get
        {
            lock (_gate)
            {
                Read(ReadEvery);
                return _keys.Count > 0 ? _keys[^1] : null;
            }
        }
    }

    /// <summary>All keys; another list each time they were read.</summary>
    internal IReadOnlyList<CookieKey> Current
    {
        get
        {
            lock (_gate)
            {
                Read(ReadEvery);
                return _keys;
            }
        }
    }

    /// <summary>The key with that id, if there is one.</summary>
    internal CookieKey? Find(ReadOnlySpan<byte> id)
    {
        lock (_gate)
        {
            Read(ReadEvery);
            if (Known(id) is { } key)
                return key;
            Read(ReadAtMostEvery);
            return Known(id);
        }
    }

    private CookieKey? Known(ReadOnlySpan<byte> id)
    {
        foreach (var key in _keys)
        {
            if (id.SequenceEqual(key.Id))
                return key;
        }

        return null;
    }

    private void Read(TimeSpan olderThan)
    {
        var now = time.GetUtcNow();
        if (now - _readAt < olderThan)
            return;
        _readAt = now;
        var before = _problem;
        try
        {
            var files = Directory.GetFiles(folder, Pattern).Order(StringComparer.Ordinal).ToArray();
            if (files.Length == 0)
                throw new FormatException("there is no key file");
            _keys = [.. files.Select(file => CookieKey.Parse(File.ReadAllText(file), KeyLength))];
            _problem = null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            _problem = "COOKIE_KEYS_DIR cannot be used: " + (error is FormatException ? error.Message : error.GetType().Name);
        }

        if (_problem is not null && _problem != before)
            Log.KeysUnreadable(logger, _problem);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{problem}", EventName = "cookie_keys_unreadable")]
        public static partial void KeysUnreadable(ILogger logger, string problem);
    }
}

/// <summary>
/// One key. The encryption is the framework's own (AES-256-CBC with HMAC-SHA-256, a fresh subkey for each message); only where keys
/// come from is ours. Feeding fixed files to the framework's key ring instead would mean to write its XML, with dates of activation and
/// expiry that files do not have.
/// </summary>
internal sealed record CookieKey(byte[] Id, IAuthenticatedEncryptor Encryptor)
{
    internal const int IdLength = 8;

    internal static CookieKey Parse(string text, int length)
    {
        var bytes = new byte[length];
        if (!Convert.TryFromBase64String(text.Trim(), bytes, out var written) || written != length)
            throw new FormatException($"a key file must hold {length} random bytes in base64");
        var id = HMACSHA256.HashData(bytes, "homestage cookie key id"u8)[..IdLength];
        var descriptor = new AuthenticatedEncryptorDescriptor(new AuthenticatedEncryptorConfiguration(), new Secret(bytes));
        var encryptor = new FileKey(descriptor).CreateEncryptor() ?? throw new FormatException("the framework cannot use a key");
        CryptographicOperations.ZeroMemory(bytes);
        return new CookieKey(id, encryptor);
    }

    /// <summary>A key as the framework's encryptor wants it; the dates belong to its key ring, which is not used.</summary>
    private sealed class FileKey(IAuthenticatedEncryptorDescriptor descriptor) : IKey
    {
        public DateTimeOffset ActivationDate => DateTimeOffset.MinValue;

        public DateTimeOffset CreationDate => DateTimeOffset.MinValue;

        public DateTimeOffset ExpirationDate => DateTimeOffset.MaxValue;

        public bool IsRevoked => false;

        public Guid KeyId => Guid.Empty;

        public IAuthenticatedEncryptorDescriptor Descriptor => descriptor;

        public IAuthenticatedEncryptor? CreateEncryptor() => new AuthenticatedEncryptorFactory(NullLoggerFactory.Instance).CreateEncryptorInstance(this);
    }
}
