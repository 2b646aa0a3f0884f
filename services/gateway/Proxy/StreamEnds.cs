using HomeStage.Gateway.Limits;
using HomeStage.Hosting.Problems;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Counts an event stream while it is open, and ends it when the gateway stops: it would hold the stop up, and its client reconnects
/// elsewhere and resumes.
/// </summary>
internal sealed class StreamEnds(RequestDelegate next, OpenStreams streams, IHostApplicationLifetime lifetime)
{
    // A gateway that closed others' streams a moment ago may still be taking them off.
    private const string RetrySeconds = "5";

    public async Task InvokeAsync(HttpContext context)
    {
        if (!context.GetReverseProxyFeature().Route.Config.IsStream())
        {
            await next(context);
            return;
        }

        await using var stream = await streams.TryOpenAsync(context, context.Features.Get<LimitedCaller>());
        if (stream is null)
        {
            context.Response.Headers.RetryAfter = RetrySeconds;
            await Problem.Result(ProblemCode.RateLimited, $"At most {OpenStreams.Limit} streams may be open at once; close one.").ExecuteAsync(context);
            return;
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        context.RequestAborted = end.Token;
        await next(context);
    }
}
