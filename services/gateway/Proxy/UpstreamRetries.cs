using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Sends a request again that no upstream can have seen, because there was no connection: to another replica if there is one, else to the
/// same after a moment. Only safe requests without a body; whatever may have arrived is never repeated.
/// </summary>
internal sealed class UpstreamRetries(RequestDelegate next)
{
    private const int Retries = 2;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        var all = proxy.AvailableDestinations;
        for (var retry = 0; ; retry++)
        {
            await next(context);
            if (retry == Retries || !IsUnsent(context))
                return;
            DestinationState[] others = [.. all.Where(destination => destination != proxy.ProxiedDestination)];
            if (others.Length == 0)
                await Task.Delay(Pause, context.RequestAborted);
            proxy.AvailableDestinations = others.Length > 0 ? others : all;
            proxy.ProxiedDestination = null;
            context.Features.Set<IForwarderErrorFeature>(null);
            context.Response.StatusCode = StatusCodes.Status200OK;
        }
    }

    private static bool IsUnsent(HttpContext context) =>
        context.Features.Get<IForwarderErrorFeature>()?.IsUnsent() is true
        && !context.Response.HasStarted
        && !context.RequestAborted.IsCancellationRequested
        && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method));
}
