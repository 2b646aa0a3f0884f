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

    /// <summary>Now in whole seconds, which is what a ticket keeps.</summary>
    internal DateTimeOffset Now => DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());

    internal static bool IsPresent(HttpRequest request) => request.Cookies.ContainsKey(Name);

    /// <summary>The session, or whether there is a cookie that no key decrypts. One that has ended is as good as none.</summary>
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

    /// <summary>Gives the browser a new visitor session, with an account of its own unless one is named.</summary>
    public async Task<Session> IssueAsync(HttpContext context, Guid? account = null)
    {
        var session = Session.Visitor(account ?? Guid.CreateVersion7(Now), Now);
        await SetAsync(context, session);
        metrics.SessionIssued(context);
        return session;
    }

    /// <summary>Gives the browser a session in place of the one it has.</summary>
    public static Task SetAsync(HttpContext context, Session session) => context.SignInAsync(
        Scheme,
        session.ToPrincipal(),
        new AuthenticationProperties { IsPersistent = true, IssuedUtc = session.IssuedAt, ExpiresUtc = session.ExpiresAt });

    /// <summary>How the cookie is made, and when it is no longer good.</summary>
    internal static void Configure(CookieAuthenticationOptions options)
    {
        options.Cookie.Name = Name;
        options.Cookie.SecurePolicy = CookieSecurePolicy.Always;
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.Path = "/";
        options.ExpireTimeSpan = Session.VisitorLifetime;
        options.SlidingExpiration = true;
        options.Events.OnValidatePrincipal = context =>
        {
            var services = context.HttpContext.RequestServices;
            if (Session.From(context.Principal!, default) is { } session
                && (services.GetRequiredService<Revocations>().Contains(session.Id) || services.GetRequiredService<TimeProvider>().GetUtcNow() >= session.EndsAt))
            {
                context.RejectPrincipal();
            }

            return Task.CompletedTask;
        };
        options.Events.OnCheckSlidingExpiration = context =>
        {
            var kind = Session.From(context.Principal!, default)?.Kind ?? CallerKind.Visitor;
            context.ShouldRenew = context.ElapsedTime >= Session.RenewedAfter(kind);
            return Task.CompletedTask;
        };
    }
}
