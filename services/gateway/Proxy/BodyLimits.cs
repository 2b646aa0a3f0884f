using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Refuses a body that says that it is larger than its route takes, before anything else happens. One that does not say its size is
/// cut off by the server when it gets too large; <see cref="UpstreamProblems"/> then answers.
/// </summary>
internal sealed class BodyLimits(RequestDelegate next, SecurityEvents events)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var feature = context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>();
        if (context.Request.ContentLength is not { } length || feature.MaxRequestBodySize is not { } limit || length <= limit)
        {
            await next(context);
            return;
        }

        events.BodyTooLarge(context);
        await TooLarge(limit).ExecuteAsync(context);
    }

    internal static IResult TooLarge(long? limit) =>
        Problem.Result(ProblemCode.PayloadTooLarge, "Send a smaller body: maxBytes is what this route takes.", ("maxBytes", limit));
}
