using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Finds out on whose behalf a request is forwarded, counts it, and registers a session before its first costed use. An address that is
/// refused anyway is not worth finding out; a request that fails to identify itself counts for its address all the same.
/// </summary>
internal sealed class RouteCallers(RequestDelegate next, Callers callers, RateLimits limits)
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
        var (session, unidentified) = route.IsPublic() ? default : await callers.IdentifyAsync(context, isUnsafe ? Issue.IfMissing : Issue.Never);
        var caller = session is null ? null : LimitedCaller.Of(session);
        context.Features.Set(caller);
        var refusal = limit is null ? null : await limits.RefusalAsync(context, limit, caller);
        refusal ??= unidentified;
        if (refusal is null && session is not null && isUnsafe && route.IsCosted() && !await RegisterAsync(context, session))
            refusal = Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(context);
            return;
        }

        context.Features.Set(new Caller
        {
            Issuer = "gateway",
            AccountId = session?.AccountId ?? Guid.Empty,
            Kind = session?.Kind ?? CallerKind.Anonymous,
            SessionId = session?.Id,
            AddressHash = ClientAddress.Of(context).Hash,
        });
        await next(context);
    }

    private static Task<bool> RegisterAsync(HttpContext context, Session session) =>
        context.RequestServices.GetRequiredService<SessionRegistry>()
            .EnsureAsync(session, context.Request.Headers.UserAgent.ToString(), context.RequestAborted);
}
