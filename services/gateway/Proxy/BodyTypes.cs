using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Gateway.Proxy;

/// <summary>Refuses a body whose media type the route does not take; JSON where it does not say.</summary>
internal sealed class BodyTypes(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var takes = context.GetReverseProxyFeature().Route.Config.BodyTypes();
        return !HasBody(context) || Matches(request.ContentType, takes)
            ? next(context)
            : Problem.Result(ProblemCode.UnsupportedMediaType, $"Send {string.Join(" or ", takes)}.").ExecuteAsync(context);
    }

    private static bool HasBody(HttpContext context) =>
        context.Request.ContentLength is not 0 && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody is true;

    private static bool Matches(string? contentType, string[] takes)
    {
        var end = contentType?.IndexOf(';', StringComparison.Ordinal) ?? -1;
        var mediaType = (end < 0 ? contentType : contentType![..end])?.Trim();
        return takes.Contains(mediaType, StringComparer.OrdinalIgnoreCase);
    }
}
