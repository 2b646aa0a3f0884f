using HomeStage.Gateway.Csrf;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Identity;

/// <summary>
/// Decides who is behind a request, and whether the request may be made in their name. Sessions are the only kind of caller yet;
/// bearer tokens and API keys belong in front of the cookie, in <see cref="IdentifyAsync"/>.
/// </summary>
internal sealed class Callers(SessionCookie cookie, Origins origins, SecurityEvents events)
{
    /// <summary>Identifies the caller; gives a session where the rule says so.</summary>
    public async ValueTask<Identification> IdentifyAsync(HttpContext context, Issue issue)
    {
        // A request with the header ignores the cookie: a bad credential is never a visitor.
        if (context.Request.Headers.Authorization.Count > 0)
        {
            events.BearerRejected(context);
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return new(Problem.Result(ProblemCode.Unauthenticated, "The Authorization header identifies nobody. Send a valid one, or none."));
        }

        var unsafeMethod = IsUnsafe(context.Request);
        if (unsafeMethod && !origins.Admits(context.Request, SessionCookie.IsPresent(context.Request)))
            return Rejected(context);

        var (session, unreadable) = await cookie.ReadAsync(context);
        if (session is not null)
            return new(session);
        if (unreadable)
        {
            events.CookieUnreadable(context);
            if (issue != Issue.Anew)
            {
                return new(Problem.Result(
                    ProblemCode.IdentityUnavailable, "Your session cannot be read right now. Try again later, or give it up with POST /api/v1/session."));
            }
        }

        if (issue == Issue.Never)
            return new((Session?)null);
        return origins.IsForeign(context.Request) ? Rejected(context) : new(await cookie.IssueAsync(context));
    }

    internal static bool IsUnsafe(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);

    private Identification Rejected(HttpContext context)
    {
        events.CsrfRejected(context);
        return new(Problem.Result(ProblemCode.CsrfRejected, "Send it from our own page, with its Origin header."));
    }
}

/// <summary>When a caller without a readable session gets a new one.</summary>
internal enum Issue
{
    /// <summary>Never: a safe request on someone's way through, a crawler's for instance.</summary>
    Never,

    /// <summary>If there is no cookie. One that cannot be read may belong to somebody who paid, and stays.</summary>
    IfMissing,

    /// <summary>Also instead of one that cannot be read: the person asked for that.</summary>
    Anew,
}

/// <summary>Who it is (nobody, if both are null), or the answer to refuse the request with.</summary>
internal readonly record struct Identification(Session? Session, ProblemHttpResult? Refusal)
{
    public Identification(Session? session)
        : this(session, null)
    {
    }

    public Identification(ProblemHttpResult refusal)
        : this(null, refusal)
    {
    }
}

internal static class CallersExtensions
{
    /// <summary>Reads <c>ADDRESS_PEPPER</c>.</summary>
    internal static void AddCallers(this ServiceBuilder service)
    {
        var pepper = service.Settings.Secret("ADDRESS_PEPPER", "a random secret that addresses are hashed with");
        service.Services.AddSingleton(new AddressHasher(System.Text.Encoding.UTF8.GetBytes(pepper)));
        service.Services.AddSingleton<Callers>();
        service.Services.AddSingleton<InternalTokens>();
    }
}
