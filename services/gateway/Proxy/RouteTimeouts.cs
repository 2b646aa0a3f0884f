using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// Gives a request the timeout of its route where that has one, instead of its cluster's: how long nothing at all may move in either
/// direction before the request is given up (504).
/// </summary>
internal sealed class RouteTimeouts(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        if (proxy.Route.Config.Timeout() is { } timeout)
        {
            var config = proxy.Cluster.Config;
            var request = (config.HttpRequest ?? ForwarderRequestConfig.Empty) with { ActivityTimeout = timeout };
            context.Features.Set<IReverseProxyFeature>(new ReverseProxyFeature
            {
                Route = proxy.Route,
                Cluster = new ClusterModel(config with { HttpRequest = request }, proxy.Cluster.HttpClient),
                AllDestinations = proxy.AllDestinations,
                AvailableDestinations = proxy.AvailableDestinations,
            });
        }

        return next(context);
    }
}
