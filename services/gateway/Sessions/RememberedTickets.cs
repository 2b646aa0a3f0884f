using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace HomeStage.Gateway.Sessions;

/// <summary>
/// Remembers what cookies said, because to decrypt one costs more than the rest of finding out who calls: at most until the keys are read again,
/// so that a key that was taken away decrypts no longer. Whether a session has ended or was revoked is asked at each request all the same.
/// </summary>
internal sealed class RememberedTickets(ISecureDataFormat<AuthenticationTicket> format, CookieKeys keys) : ISecureDataFormat<AuthenticationTicket>, IDisposable
{
    // Some 3 kB each.
    private const int Limit = 10_000;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = Limit });

    public string Protect(AuthenticationTicket data) => format.Protect(data);

    public string Protect(AuthenticationTicket data, string? purpose) => format.Protect(data, purpose);

    public AuthenticationTicket? Unprotect(string? protectedText) => Unprotect(protectedText, purpose: null);

    public AuthenticationTicket? Unprotect(string? protectedText, string? purpose)
    {
        if (protectedText is null)
            return null;
        var current = keys.Current;
        if (_cache.TryGetValue((protectedText, purpose), out Remembered? known) && ReferenceEquals(known!.Keys, current))
            return known.Ticket.Clone();
        if (format.Unprotect(protectedText, purpose) is not { } ticket)
            return null;
        _cache.Set((protectedText, purpose), new Remembered(ticket, current), new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = CookieKeys.ReadEvery });
        return ticket.Clone();
    }

    public void Dispose() => _cache.Dispose();

    /// <summary>Puts it around the format that the framework has made for the session's cookie.</summary>
    internal sealed class Setup(CookieKeys keys) : IPostConfigureOptions<CookieAuthenticationOptions>
    {
        public void PostConfigure(string? name, CookieAuthenticationOptions options)
        {
            if (name == SessionCookie.Scheme)
                options.TicketDataFormat = new RememberedTickets(options.TicketDataFormat, keys);
        }
    }

    private sealed record Remembered(AuthenticationTicket Ticket, IReadOnlyList<CookieKey> Keys);
}
