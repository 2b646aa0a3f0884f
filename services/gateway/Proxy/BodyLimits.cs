using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Configuration;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Refuses a body that says that it is larger than its route takes, before anything else happens. One that does not say its size is
/// cut off by the server when it gets too large; <see cref="UpstreamProblems"/> then answers.
/// </summary>
internal sealed class BodyLimits(RequestDelegate next, SecurityEvents events)
{
    /// <summary>For a route that does not say.</summary>
    internal const long Default = 64 * 1024;

    public Task InvokeAsync(HttpContext context)
    {
        var limit = LimitOf(context.GetReverseProxyFeature().Route.Config);
        var fits = context.Request.ContentLength is not { } length || length <= limit;
        // Of a body that does not fit the server reads what is on its way for some seconds, so that the client gets to see the answer.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
            feature.MaxRequestBodySize = fits ? limit : null;
        if (fits)
            return next(context);
        events.BodyTooLarge(context);
        return TooLarge(limit).ExecuteAsync(context);
    }

    internal static long LimitOf(RouteConfig route) => route.MaxRequestBodySize ?? Default;

    internal static IResult TooLarge(long limit) => Problem.Result(
        ProblemCode.PayloadTooLarge,
        limit >= 1024 * 1024 ? $"At most {limit / (1024 * 1024)} MB can be sent here." : $"At most {limit / 1024} kB can be sent here.",
        ("maxBytes", limit));
}
