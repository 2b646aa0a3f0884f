using System.ComponentModel.DataAnnotations;
using System.Net;
using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Description;
using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Sessions;

/// <summary><c>/api/v1/session</c>: who the browser is to us.</summary>
internal static class SessionEndpoints
{
    internal static void MapSession(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/session", (HttpContext context, Callers callers, SessionOffers offers) => AnswerAsync(context, callers, offers, Issue.IfMissing))
            .Describe("Session", "getSession", "Who this browser is", "Begins a visitor's session where there is none, by a cookie. This alone and requests that change something do so.")
            .Open()
            .Refuses(ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.Unauthenticated, ProblemCode.IdentityUnavailable);
        routes.MapPost("/api/v1/session", (HttpContext context, Callers callers, SessionOffers offers) => AnswerAsync(context, callers, offers, Issue.Anew))
            .Describe(
                "Session", "renewSession", "Give up a session that cannot be read",
                "As `GET`, but where the cookie cannot be read right now (`identity_unavailable`) a new session takes its place, and what the old one opened is lost to this browser.")
            .Open()
            .Refuses(ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.Unauthenticated, ProblemCode.IdentityUnavailable);
        routes.MapPost("/api/v1/session/restore", RestoreAsync).Limited(LimitClasses.Restore)
            .Describe("Session", "restoreSession", "Open a visitor's account on another device", "By the restore code of an order that it paid, for as long as nobody has signed in to the account.")
            .Open()
            .RequestExample("""{"code":"K7QX-2M9P-TR4C-8WVA-H3JD-6ZFN-YB5E"}""")
            .Refuses(
                ProblemCode.ValidationFailed, ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.Unauthenticated, ProblemCode.NotFound, SignInRequired,
                ProblemCode.IdentityUnavailable);
    }

    private static async Task<Results<Ok<SessionAnswer>, ProblemHttpResult>> AnswerAsync(HttpContext context, Callers callers, SessionOffers offers, Issue issue)
    {
        var (session, program, refusal) = await callers.IdentifyAsync(context, issue);
        if (program is not null)
            return Problem.Result(ProblemCode.Forbidden, "This is for browsers; a key or token has no session.");
        return session is null ? refusal! : Answer(context, session, offers);
    }

    /// <summary>Opens the account of a restore code in this browser, in place of the visitor that it has.</summary>
    private static async Task<Results<Ok<SessionAnswer>, ProblemHttpResult>> RestoreAsync(
        HttpContext context,
        RestoreRequest request,
        Callers callers,
        SessionOffers offers,
        EntitlementsClient entitlements,
        SessionRegistry registry,
        SessionCookie cookie)
    {
        var (before, program, refusal) = await callers.IdentifyAsync(context, Issue.Never);
        if (refusal is not null)
            return refusal;
        if (program is not null || before?.Kind == CallerKind.Member)
            return Problem.Result(ProblemCode.Forbidden, "A restore code opens a visitor's account. Sign out first.");
        if (string.IsNullOrWhiteSpace(request.Code))
            return Problem.Invalid("code", "Copy the code from the order's page.");

        var answer = await entitlements.SendAsync<RestoreAnswer>(HttpMethod.Post, "/internal/accounts/restore", new { request.Code }, context.RequestAborted);
        switch (answer.Status)
        {
            case HttpStatusCode.OK:
                break;
            case HttpStatusCode.NotFound or HttpStatusCode.BadRequest:
                return Problem.Result(ProblemCode.NotFound, "There is no such code. Copy it from the order's page, or ask support.");
            case HttpStatusCode.Forbidden:
                return Problem.Result(SignInRequired, "Its owner has signed in since, so the code is not needed any more.");
            default:
                return Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
        }

        var session = Session.Visitor(answer.Value!.AccountId, cookie.Now);
        // Known there before the browser has it: so it ends when somebody signs in to the account.
        if (await registry.EnsureAsync(session, context.Request.Headers.UserAgent.ToString(), context.RequestAborted) != Registration.Known)
            return Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
        await SessionCookie.SetAsync(context, session);
        return Answer(context, session, offers);
    }

    private static readonly ProblemCode SignInRequired = new("sign_in_required", StatusCodes.Status403Forbidden, "Sign in to open this account");

    private static Ok<SessionAnswer> Answer(HttpContext context, Session session, SessionOffers offers)
    {
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new SessionAnswer(
            session.Kind.ToString().ToLowerInvariant(),
            session.AccountId,
            session.Id,
            offers.Providers.Count > 0,
            session.ExpiresAt < session.EndsAt ? session.ExpiresAt : session.EndsAt,
            [.. offers.Providers.Select(provider => new ProviderAnswer(provider.Settings.Id, provider.Settings.Name))],
            offers.Challenge));
    }

    /// <summary>What opens an account.</summary>
    /// <param name="Code">From the order's page.</param>
    private sealed record RestoreRequest([property: Required] string? Code);

    private sealed record RestoreAnswer(Guid AccountId);

    /// <summary>Who a browser is.</summary>
    /// <param name="Kind"><c>visitor</c> or <c>member</c>.</param>
    /// <param name="AccountId">The account that the session opens.</param>
    /// <param name="SessionId">This device, in the list of sessions.</param>
    /// <param name="SignInAvailable">Whether there is a provider to sign in at.</param>
    /// <param name="ExpiresAt">When the session ends unless it is used before.</param>
    /// <param name="Providers">For <c>POST /auth/login</c>.</param>
    /// <param name="Challenge">What to put to a person where <c>challenge_required</c> is answered; null where it never is.</param>
    private sealed record SessionAnswer(
        [property: AllowedValues("visitor", "member")] string Kind, Guid AccountId, Guid SessionId, bool SignInAvailable, DateTimeOffset ExpiresAt, IReadOnlyList<ProviderAnswer> Providers, ChallengeOffer? Challenge);

    /// <summary>Where one can sign in.</summary>
    /// <param name="Id">For <c>POST /auth/login</c>.</param>
    /// <param name="Name">For people.</param>
    private sealed record ProviderAnswer(string Id, string Name);
}
