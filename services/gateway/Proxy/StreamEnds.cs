using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Counts an event stream while it is open, and cuts it when the session, key or token that opened it ends or is revoked. When the gateway stops
/// an <see cref="EndingStream"/> ends it; what has not ended a moment later, because its client takes nothing, is cut too.
/// </summary>
internal sealed class StreamEnds(RequestDelegate next, OpenStreams streams, IHostApplicationLifetime lifetime, Revocations revocations, TimeProvider time)
{
    // A gateway that closed others' streams a moment ago may still be taking them off.
    private const string RetrySeconds = "5";

    private static readonly TimeSpan ToEnd = TimeSpan.FromSeconds(4);

    // What a timer can wait at most; a stream that is open for longer reconnects.
    private static readonly TimeSpan LongestStream = TimeSpan.FromDays(30);

    public Task InvokeAsync(HttpContext context) => context.GetReverseProxyFeature().Route.Config.IsStream() ? StreamAsync(context) : next(context);

    private async Task StreamAsync(HttpContext context)
    {
        await using var stream = await streams.TryOpenAsync(context, context.Features.Get<LimitedCaller>());
        if (stream is null)
        {
            context.Response.Headers.RetryAfter = RetrySeconds;
            await Problem.Result(ProblemCode.RateLimited, $"At most {OpenStreams.Limit} streams may be open at once; close one.").ExecuteAsync(context);
            return;
        }

        var caller = context.Features.GetRequiredFeature<Identification>();
        using var ended = new CancellationTokenSource(Remaining(caller), time);
        var left = context.RequestAborted;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(left, ended.Token);
        using var stopping = lifetime.ApplicationStopping.Register(() =>
        {
            // One that is only being opened ends as soon as it is.
            if (context.Response.HasStarted)
                end.CancelAfter(ToEnd);
        });
        using var watch = (caller.Session?.Id ?? caller.Program?.KeyId) is { } subject ? revocations.Watching(subject, ended.Cancel) : null;
        context.RequestAborted = end.Token;
        await next(context);
        context.RequestAborted = left;
        if (ended.IsCancellationRequested && !left.IsCancellationRequested && !context.Response.HasStarted)
            await Problem.Result(ProblemCode.Unauthenticated, "Your session, key or token has ended.").ExecuteAsync(context);
    }

    private TimeSpan Remaining(Identification caller)
    {
        var until = caller.Session?.EndsAt ?? caller.Program?.EndsAt ?? DateTimeOffset.MaxValue;
        var remaining = until - time.GetUtcNow();
        return remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining > LongestStream ? LongestStream : remaining;
    }
}
