using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;

namespace HomeStage.Gateway.Sessions;

/// <summary>Reads and issues the cookie <c>__Host-homestage</c> through the framework's cookie handler.</summary>
internal sealed class SessionCookie(TimeProvider time, IOptionsMonitor<CookieAuthenticationOptions> options, GatewayMetrics metrics)
{
    internal const string Scheme = "Session";

    internal const string Name = "__Host-homestage";

    /// <summary>What a visitor bought outlives a browser session; 400 days is what browsers keep at most.</summary>
    internal static readonly TimeSpan VisitorLifetime = TimeSpan.FromDays(400);

    /// <summary>A session in use is renewed, but not with every request.</summary>
    internal static readonly TimeSpan RenewedAfter = TimeSpan.FromDays(1);

    internal static bool IsPresent(HttpRequest request) => request.Cookies.ContainsKey(Name);

    /// <summary>The session, or whether there is a cookie that no key decrypts. One that merely expired is as good as none.</summary>
    public async Task<(Session? Session, bool Unreadable)> ReadAsync(HttpContext context)
    {
        var result = await context.AuthenticateAsync(Scheme);
        if (result.Succeeded)
        {
            // The handler refuses a ticket without an end before it comes here.
            var session = Session.From(result.Principal, result.Properties.ExpiresUtc ?? time.GetUtcNow());
            return (session, session is null);
        }

        var scheme = options.Get(Scheme);
        return scheme.CookieManager.GetRequestCookie(context, Name) is { Length: > 0 } value && scheme.TicketDataFormat.Unprotect(value) is null
            ? (null, true)
            : (null, false);
    }

    /// <summary>Gives the browser a new visitor session.</summary>
    public async Task<Session> IssueAsync(HttpContext context)
    {
        // Whole seconds, which is what a ticket keeps.
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var session = new Session(Guid.CreateVersion7(now), Guid.CreateVersion7(now), CallerKind.Visitor, now, now + VisitorLifetime);
        await context.SignInAsync(
            Scheme,
            session.ToPrincipal(),
            new AuthenticationProperties { IsPersistent = true, IssuedUtc = now, ExpiresUtc = session.ExpiresAt });
        metrics.SessionIssued();
        return session;
    }
}
