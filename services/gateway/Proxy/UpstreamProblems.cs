using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Yarp.ReverseProxy.Forwarder;

namespace HomeStage.Gateway.Proxy;

/// <summary>Turns a request that an upstream did not answer into problem details that tell nothing of the inside.</summary>
internal sealed partial class UpstreamProblems(RequestDelegate next, GatewayMetrics metrics, SecurityEvents events, ILogger<UpstreamProblems> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        if (context.Features.Get<IForwarderErrorFeature>() is not { } failure || context.RequestAborted.IsCancellationRequested)
            return;

        if (IsTooLarge(failure.Exception))
        {
            events.BodyTooLarge(context);
            await AnswerAsync(context, BodyLimits.TooLarge(BodyLimits.LimitOf(context.GetReverseProxyFeature().Route.Config)));
            return;
        }

        var upstream = context.GetReverseProxyFeature().Cluster.Config.ClusterId;
        metrics.UpstreamFailed(upstream, failure.Error.ToString());
        Log.Failed(logger, failure.Exception, upstream, failure.Error);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            var code = ProblemCode.Unavailable with { Status = context.Response.StatusCode };
            await AnswerAsync(context, Problem.Result(code, "Try again in a few seconds."));
        }
    }

    private static Task AnswerAsync(HttpContext context, IResult answer) =>
        context.Response.HasStarted ? Task.CompletedTask : answer.ExecuteAsync(context);

    private static bool IsTooLarge(Exception? exception) => exception switch
    {
        null => false,
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => true,
        AggregateException several => several.InnerExceptions.Any(IsTooLarge),
        _ => IsTooLarge(exception.InnerException),
    };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{upstream} did not answer a request: {error}", EventName = "upstream_failed")]
        public static partial void Failed(ILogger logger, Exception? exception, string upstream, ForwarderError error);
    }
}
