using HomeStage.Gateway.Csrf;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Identity;

/// <summary>Decides who is behind a request, and whether the request may be made in their name.</summary>
internal sealed class Callers(
    SessionCookie cookie, Credentials credentials, Origins origins, Revocations revocations, SessionSightings sightings, SecurityEvents events)
{
    /// <summary>Identifies the caller; gives a session where the rule says so.</summary>
    public async ValueTask<Identification> IdentifyAsync(HttpContext context, Issue issue)
    {
        // A request with the header ignores the cookie: a bad credential is never a visitor.
        if (context.Request.Headers.Authorization.Count > 0)
        {
            var (program, refusal) = await credentials.IdentifyAsync(context);
            return new(Session: null, program, refusal);
        }

        var unsafeMethod = IsUnsafe(context.Request);
        if (unsafeMethod && !origins.Admits(context.Request, SessionCookie.IsPresent(context.Request)))
            return Rejected(context);
        return await ReadSessionAsync(context, issue);
    }

    /// <summary>The browser's session, if it has one, for what only our own page may ask; programs and other pages are refused.</summary>
    public async ValueTask<Identification> IdentifyOwnPageAsync(HttpContext context)
    {
        if (context.Request.Headers.Authorization.Count > 0)
            return Identification.Refused(ProblemCode.Forbidden, "This is for browsers: send no Authorization header.");
        return origins.Admits(context.Request, withCookie: true) ? await ReadSessionAsync(context, Issue.Never) : Rejected(context);
    }

    internal static bool IsUnsafe(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);

    private async ValueTask<Identification> ReadSessionAsync(HttpContext context, Issue issue)
    {
        if (!revocations.Loaded && SessionCookie.IsPresent(context.Request))
            return Identification.Refused(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
        var (session, unreadable) = await cookie.ReadAsync(context);
        if (session is not null)
        {
            if (session.Kind == CallerKind.Member)
                sightings.Note(session, context.Request);
            return new(session, Program: null, Refusal: null);
        }

        if (unreadable)
        {
            events.CookieUnreadable(context);
            if (issue != Issue.Anew)
                return Identification.Refused(ProblemCode.IdentityUnavailable, "Your session cannot be read right now. Try again later, or give it up with POST /api/v1/session.");
        }

        if (issue == Issue.Never)
            return default;
        return origins.IsForeign(context.Request) ? Rejected(context) : new(await cookie.IssueAsync(context), Program: null, Refusal: null);
    }

    private Identification Rejected(HttpContext context)
    {
        events.CsrfRejected(context);
        return Identification.Refused(ProblemCode.CsrfRejected, "Send it from our own page, with its Origin header.");
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

/// <summary>Who it is: a browser, a program, nobody if all are null, or the answer to refuse the request with.</summary>
internal readonly record struct Identification(Session? Session, ProgramCaller? Program, ProblemHttpResult? Refusal)
{
    internal static Identification Refused(ProblemCode code, string detail) => new(null, null, Problem.Result(code, detail));
}

internal static class CallersExtensions
{
    internal static void AddCallers(this ServiceBuilder service)
    {
        service.Services.AddSingleton<ApiKeys.KeyUsage>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<ApiKeys.KeyUsage>());
        service.Services.AddSingleton<ApiKeys.ApiKeyResolver>();
        service.Services.AddSingleton<Bearer.BearerTokens>();
        service.Services.AddSingleton<Credentials>();
        service.Services.AddSingleton<Callers>();
        service.Services.AddSingleton<InternalTokens>();
    }
}
