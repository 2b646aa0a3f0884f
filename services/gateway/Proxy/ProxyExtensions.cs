using HomeStage.Gateway.Webhooks;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace HomeStage.Gateway.Proxy;

/// <summary>The way to the services. Routes are in <c>appsettings.json</c>.</summary>
internal static class ProxyExtensions
{
    private static readonly (string Setting, string Health, string[] Clusters)[] Upstreams =
    [
        ("BILLING_URL", "BILLING_HEALTH_URL", ["billing"]),
        ("ENTITLEMENTS_URL", "ENTITLEMENTS_HEALTH_URL", ["entitlements"]),
        ("STAGING_API_URL", "STAGING_API_HEALTH_URL", ["staging-api", "staging-api-streams"]),
    ];

    /// <summary>
    /// Reads <c>BILLING_URL</c>, <c>ENTITLEMENTS_URL</c> and <c>STAGING_API_URL</c>; and the addresses of their management listeners,
    /// <c>BILLING_HEALTH_URL</c> and so on, which are asked whether they are ready where they are given.
    /// </summary>
    internal static void AddProxy(this ServiceBuilder service)
    {
        foreach (var (setting, healthSetting, clusters) in Upstreams)
        {
            var url = service.Settings.Url(setting, $"the address of {clusters[0]}, e.g. http://127.0.0.1:5001");
            var health = service.Settings.Optional(healthSetting) is null ? null : service.Settings.Url(healthSetting, $"the management listener of {clusters[0]}, e.g. http://127.0.0.1:6001");
            foreach (var cluster in clusters)
            {
                var destination = $"ReverseProxy:Clusters:{cluster}:Destinations:{clusters[0]}";
                service.Configuration[$"{destination}:Address"] = url.AbsoluteUri;
                service.Configuration[$"{destination}:Health"] = health?.AbsoluteUri;
                service.Configuration[$"ReverseProxy:Clusters:{cluster}:HealthCheck:Active:Enabled"] = health is null ? "false" : "true";
            }
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
            proxy.UseMiddleware<UpstreamRetries>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }));
    }
}
