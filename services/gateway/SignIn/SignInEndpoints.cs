using System.Net;
using HomeStage.Gateway.Csrf;
using HomeStage.Gateway.Description;
using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace HomeStage.Gateway.SignIn;

/// <summary>
/// <c>/auth</c>: sign-in, the question of whose things are whose, sign-out. Each is a POST from our own page and answers with the address to go
/// to: a form could not be redirected to a provider, because <c>form-action 'self'</c> holds for redirects too.
/// </summary>
internal static class SignInEndpoints
{
    internal static void MapSignIn(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/auth/login", LoginAsync).Limited(LimitClasses.SignIn)
            .Describe("Session", "signIn", "Begin to sign in", "For our own page, which sends the browser to `url`. The provider sends it back to `/auth/callback/{provider}`, and that to `returnUrl`.")
            .Open()
            .RequestExample("""{"provider":"google","returnUrl":"/"}""")
            .Refuses(ProblemCode.ValidationFailed, ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.IdentityUnavailable);
        routes.MapPost("/auth/merge", MergeAsync).Limited(LimitClasses.SignIn)
            .Describe(
                "Session", "answerMerge", "Say whose the visitor's things are",
                "For our own page, after a sign-in to an account that exists, in a browser whose visitor has orders, photos or stagings. The sign-in waits ten minutes for this.")
            .Refuses(ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.Conflict, ProblemCode.IdentityUnavailable);
        routes.MapPost("/auth/logout", LogoutAsync)
            .Describe("Session", "signOut", "Sign out", "For our own page, which sends the browser to `url`: to the provider, to sign out there, too, or home. The browser gets a fresh visitor.")
            .Open()
            .Refuses(ProblemCode.Forbidden, ProblemCode.CsrfRejected, ProblemCode.IdentityUnavailable);
    }

    /// <summary>The page, told what became of a sign-in that led nowhere.</summary>
    internal static string PageSaying(string outcome) => "/?sign-in=" + outcome;

    private static async Task<Results<Ok<GoTo>, EmptyHttpResult, ProblemHttpResult>> LoginAsync(
        HttpContext context, LoginRequest request, Providers providers, Callers callers, ILogger<Provider> logger)
    {
        if (await callers.IdentifyOwnPageAsync(context) is { Refusal: { } refusal })
            return refusal;
        var provider = request.Provider is null && providers.All is [var only] ? only : providers.Find(request.Provider);
        if (provider is null)
            return Problem.Invalid("provider", "Name one of the providers that GET /api/v1/session lists.");
        var returnUrl = request.ReturnUrl ?? "/";
        if (!LocalPath.IsLocal(returnUrl))
            return Problem.Invalid("returnUrl", "Use a path of this site, beginning with one slash.");
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            // Answers by itself: see OnRedirectToAuthorizationEndpoint.
            await context.ChallengeAsync(SignInExtensions.SchemeOf(provider.Settings), new AuthenticationProperties { RedirectUri = returnUrl });
            return TypedResults.Empty;
        }
        catch (ProviderUnavailableException)
        {
            return Problem.Result(ProblemCode.IdentityUnavailable, $"{provider.Settings.Name} does not answer right now. Try again in a minute.");
        }
    }

    private static async Task<Results<Ok<GoTo>, ProblemHttpResult>> MergeAsync(
        HttpContext context, MergeRequest request, Callers callers, SignIns signIns, CookieKeys keys, SessionCookie cookie)
    {
        var (session, _, refusal) = await callers.IdentifyOwnPageAsync(context);
        if (refusal is not null)
            return refusal;
        var pending = PendingMerge.Read(context, keys, cookie.Now);
        if (pending is null || session?.Id != pending.VisitorSession)
            return Problem.Result(ProblemCode.Conflict, "The sign-in is not waiting for an answer any more. Sign in again.");
        return await signIns.CompleteAsync(context, pending.Who, pending.ReturnUrl, request.Merge) == SignInOutcome.Done
            ? TypedResults.Ok(new GoTo(pending.ReturnUrl))
            : Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
    }

    private static async Task<Results<Ok<GoTo>, ProblemHttpResult>> LogoutAsync(
        HttpContext context, LogoutRequest? request, Callers callers, EntitlementsClient entitlements, Revocations revocations, SessionCookie cookie, Providers providers, Origins origins)
    {
        var (session, _, refusal) = await callers.IdentifyOwnPageAsync(context);
        if (refusal is not null)
            return refusal;
        if (session is not null)
        {
            var status = await entitlements.SendAsync(
                HttpMethod.Post,
                $"/internal/sessions/{session.Id:D}/end",
                new { session.AccountId, Kind = session.Kind.ToString().ToLowerInvariant(), Everywhere = request?.Everywhere ?? false },
                context.RequestAborted);
            // Whoever is told that they signed out has signed out, also with a copy of the cookie.
            if (status != HttpStatusCode.NoContent)
                return Problem.Result(ProblemCode.IdentityUnavailable, "You are still signed in. Try again in a few seconds.");
            revocations.Add([session.Id]);
        }

        PendingMerge.Clear(context);
        await cookie.IssueAsync(context);
        return TypedResults.Ok(new GoTo(await EndOfProvidersSessionAsync(providers.Find(session?.Provider), origins, context.RequestAborted) ?? "/"));
    }

    // OpenID Connect RP-Initiated Logout 1.0. The id token was not kept, so the provider may ask the person once more.
    private static async Task<string?> EndOfProvidersSessionAsync(Provider? provider, Origins origins, CancellationToken cancellationToken)
    {
        if (provider is null)
            return null;
        try
        {
            return (await provider.DescriptionAsync(cancellationToken)).EndSessionEndpoint is { Length: > 0 } endpoint
                ? QueryHelpers.AddQueryString(endpoint, new Dictionary<string, string?>
                {
                    ["client_id"] = provider.Settings.ClientId,
                    ["post_logout_redirect_uri"] = origins.PublicUrl.AbsoluteUri,
                })
                : null;
        }
        catch (ProviderUnavailableException)
        {
            return null;
        }
    }

    /// <summary>Where to sign in.</summary>
    /// <param name="Provider">One of those that <c>GET /api/v1/session</c> lists; may be left out if there is one.</param>
    /// <param name="ReturnUrl">A path of ours.</param>
    private sealed record LoginRequest(string? Provider, string? ReturnUrl);

    /// <summary>The answer to whose things they are.</summary>
    /// <param name="Merge">Whether what the visitor of this browser has is the person's own.</param>
    private sealed record MergeRequest(bool Merge);

    /// <summary>Where to sign out.</summary>
    /// <param name="Everywhere">On every device, not only on this one.</param>
    private sealed record LogoutRequest(bool Everywhere = false);
}

/// <summary>Where the browser goes next.</summary>
/// <param name="Url">The address.</param>
internal sealed record GoTo(string Url);
