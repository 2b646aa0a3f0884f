using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Finds out on whose behalf a request is forwarded and whether they may, counts it, and registers a session before its first costed use. An
/// address that is refused anyway is not worth finding out; a request that fails to identify itself counts for its address all the same.
/// </summary>
internal sealed class RouteCallers(RequestDelegate next, Callers callers, RateLimits limits, Challenge challenge, SecurityEvents events)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var route = context.GetReverseProxyFeature().Route.Config;
        var limit = route.Limit();
        if (limit is not null && limits.Remembered(context, limit) is { } remembered)
        {
            await remembered.ExecuteAsync(context);
            return;
        }

        var isUnsafe = Callers.IsUnsafe(context.Request);
        var caller = route.IsPublic() ? default : await callers.IdentifyAsync(context, isUnsafe ? Issue.IfMissing : Issue.Never);
        var limited = LimitedCaller.Of(caller);
        context.Features.Set(limited);
        var units = route.CountsPhotos() ? await ListingPhotos.CountAsync(context) : 1;
        var refusal = (limit is null ? null : await limits.RefusalAsync(context, limit, limited, units))
            ?? caller.Refusal
            ?? (caller.Program is { } program ? RefuseUnlessIn(context, program, route.ScopeOf(isUnsafe)) : null);
        var unproven = false;
        if (refusal is null && caller.Session is not null && isUnsafe)
            (unproven, refusal) = await challenge.CheckAsync(context, route.Challenge());
        refusal ??= (caller.Session is { } session && isUnsafe && route.IsCosted() ? await RegisterAsync(context, session) : null);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        context.Features.Set(caller);
        context.Features.Set(new Caller
        {
            Issuer = "gateway",
            AccountId = caller.Session?.AccountId ?? caller.Program?.AccountId ?? Guid.Empty,
            Kind = caller.Session?.Kind ?? (caller.Program is null ? CallerKind.Anonymous : CallerKind.Key),
            SessionId = caller.Session?.Id,
            KeyId = caller.Program?.KeyId,
            Scopes = caller.Program?.Scopes ?? [],
            AddressHash = ClientAddress.Of(context).Hash,
            Unproven = unproven,
        });
        await next(context);
    }

    private ProblemHttpResult? RefuseUnlessIn(HttpContext context, ProgramCaller program, string? scope)
    {
        if (scope is not null && program.Scopes.Contains(scope, StringComparer.Ordinal))
            return null;
        events.CredentialRejected(context, "scope");
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
        return Problem.Result(
            ProblemCode.Forbidden, scope is null ? "This needs a session; a key or token cannot do it." : $"The key or token lacks the scope {scope}.");
    }

    private static async Task<ProblemHttpResult?> RegisterAsync(HttpContext context, Session session) =>
        await context.RequestServices.GetRequiredService<SessionRegistry>().EnsureAsync(session, context.Request.Headers.UserAgent.ToString(), context.RequestAborted) switch
        {
            Registration.Known => null,
            Registration.Ended => Problem.Result(ProblemCode.Unauthenticated, "Your session has ended. Get a new one with GET /api/v1/session, or sign in."),
            _ => Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds."),
        };
}
