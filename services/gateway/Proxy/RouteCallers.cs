using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;

namespace HomeStage.Gateway.Proxy;

/// <summary>Finds out on whose behalf a request is forwarded, and registers a session before its first costed use.</summary>
internal sealed class RouteCallers(RequestDelegate next, Callers callers, AddressHasher addresses)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var route = context.GetReverseProxyFeature().Route.Config;
        var session = (Session?)null;
        if (!route.IsPublic())
        {
            var isUnsafe = Callers.IsUnsafe(context.Request);
            (session, var refusal) = await callers.IdentifyAsync(context, isUnsafe ? Issue.IfMissing : Issue.Never);
            if (refusal is null && session is not null && isUnsafe && route.IsCosted() && !await RegisterAsync(context, session))
                refusal = Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.");
            if (refusal is not null)
            {
                await refusal.ExecuteAsync(context);
                return;
            }
        }

        context.Features.Set(new Caller
        {
            Issuer = "gateway",
            AccountId = session?.AccountId ?? Guid.Empty,
            Kind = session?.Kind ?? CallerKind.Anonymous,
            SessionId = session?.Id,
            AddressHash = addresses.Hash(context.Connection.RemoteIpAddress),
        });
        await next(context);
    }

    private static Task<bool> RegisterAsync(HttpContext context, Session session) =>
        context.RequestServices.GetRequiredService<SessionRegistry>()
            .EnsureAsync(session, context.Request.Headers.UserAgent.ToString(), context.RequestAborted);
}
