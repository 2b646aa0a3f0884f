using HomeStage.Gateway.Webhooks;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace HomeStage.Gateway.Proxy;

/// <summary>The way to the services. Routes are in <c>appsettings.json</c>.</summary>
internal static class ProxyExtensions
{
    private static readonly (string Setting, string[] Clusters)[] Upstreams =
    [
        ("BILLING_URL", ["billing"]),
        ("ENTITLEMENTS_URL", ["entitlements"]),
        ("STAGING_API_URL", ["staging-api", "staging-api-streams"]),
    ];

    /// <summary>Reads <c>BILLING_URL</c>, <c>ENTITLEMENTS_URL</c> and <c>STAGING_API_URL</c>.</summary>
    internal static void AddProxy(this ServiceBuilder service)
    {
        foreach (var (setting, clusters) in Upstreams)
        {
            var url = service.Settings.Url(setting, $"the address of {clusters[0]}, e.g. http://127.0.0.1:5001");
            foreach (var cluster in clusters)
                service.Configuration[$"ReverseProxy:Clusters:{cluster}:Destinations:{clusters[0]}:Address"] = url.AbsoluteUri;
        }

        service.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = BodyLimits.Default);
        service.Services.AddSingleton<WebhookSlots>();
        service.Services.AddReverseProxy()
            .LoadFromConfig(service.Configuration.GetSection("ReverseProxy"))
            .AddTransforms<UpstreamTransforms>();
        service.Map(app => app.MapReverseProxy(proxy =>
        {
            // In the order that a request meets them.
            proxy.UseMiddleware<UpstreamProblems>();
            proxy.UseMiddleware<BodyLimits>();
            proxy.UseMiddleware<BodyTypes>();
            proxy.UseMiddleware<WebhookDoor>();
            proxy.UseMiddleware<RouteCallers>();
            proxy.UseMiddleware<StreamEnds>();
        }));
    }
}
