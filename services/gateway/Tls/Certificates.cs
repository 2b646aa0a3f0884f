using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace HomeStage.Gateway.Tls;

/// <summary>
/// The certificate that is served, from PEM. Its files are read again at most every 10 s, when somebody connects, so that one renewed by
/// any tool, also through a symbolic link, is served without a restart. Files that make no sense change nothing and are logged.
/// </summary>
internal sealed partial class Certificates
{
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromSeconds(10);

    private readonly Func<(string Certificate, string Key)> _read;
    private readonly TimeProvider _time;
    private readonly ILogger<Certificates> _logger;
    private readonly Lock _lock = new();
    private (string Certificate, string Key) _pem;
    private DateTimeOffset _readAt;
    private volatile SslStreamCertificateContext _current;

    /// <exception cref="CryptographicException">They are not a certificate and its key.</exception>
    /// <exception cref="ArgumentException">They are not PEM.</exception>
    internal Certificates(Func<(string Certificate, string Key)> read, TimeProvider time, ILogger<Certificates> logger)
    {
        (_read, _time, _logger) = (read, time, logger);
        _pem = read();
        _readAt = time.GetUtcNow();
        _current = Parse(_pem);
    }

    /// <summary>When the certificate ends.</summary>
    internal DateTimeOffset ExpiresAt => new(_current.TargetCertificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);

    /// <summary>The certificate and its chain as they are on disk.</summary>
    internal SslStreamCertificateContext Current()
    {
        lock (_lock)
        {
            var now = _time.GetUtcNow();
            if (now - _readAt >= ReadAgainAfter || now < _readAt)
            {
                _readAt = now;
                ReadAgain();
            }
        }

        return _current;
    }

    /// <exception cref="CryptographicException">They are not a certificate and its key.</exception>
    /// <exception cref="ArgumentException">They are not PEM.</exception>
    internal static SslStreamCertificateContext Parse((string Certificate, string Key) pem)
    {
        // Both live for as long as connections use them.
        var leaf = X509Certificate2.CreateFromPem(pem.Certificate, pem.Key);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(pem.Certificate);
        return SslStreamCertificateContext.Create(leaf, chain, offline: true);
    }

    private void ReadAgain()
    {
        try
        {
            var pem = _read();
            if (pem == _pem)
                return;
            _current = Parse(pem);
            _pem = pem;
            Log.Renewed(_logger, ExpiresAt);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            Log.Unreadable(_logger, error);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "A new certificate is served; it ends at {expiresAt}", EventName = "certificate_renewed")]
        public static partial void Renewed(ILogger logger, DateTimeOffset expiresAt);

        [LoggerMessage(2, LogLevel.Error, "The certificate on disk cannot be used; the one before is served on", EventName = "certificate_unreadable")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
