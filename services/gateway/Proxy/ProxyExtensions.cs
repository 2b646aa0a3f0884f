using HomeStage.Gateway.Webhooks;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Yarp.ReverseProxy.Health;

namespace HomeStage.Gateway.Proxy;

/// <summary>The way to the services. Routes are in <c>appsettings.json</c>.</summary>
internal static class ProxyExtensions
{
    private static readonly (string Name, string[] Clusters)[] Upstreams =
        [("billing", ["billing"]), ("entitlements", ["entitlements"]), ("staging-api", ["staging-api", "staging-api-streams"])];

    /// <summary>
    /// Reads <c>BILLING_URL</c>, <c>ENTITLEMENTS_URL</c> and <c>STAGING_API_URL</c>, each the addresses of all replicas; and the addresses of
    /// their management listeners in the same order, <c>BILLING_HEALTH_URL</c> and so on, which are asked whether they are ready where they are given.
    /// </summary>
    internal static void AddProxy(this ServiceBuilder service)
    {
        foreach (var (name, clusters) in Upstreams)
            AddReplicas(service, name, clusters);
        service.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = BodyLimits.Default);
        service.Services.AddSingleton<WebhookSlots>();
        service.Services.AddSingleton<IActiveHealthCheckPolicy, SaidReadiness>();
        service.Services.AddSingleton<IPassiveHealthCheckPolicy, FailedConnections>();
        service.Services.AddReverseProxy()
            .LoadFromConfig(service.Configuration.GetSection("ReverseProxy"))
            .AddTransforms<UpstreamTransforms>();
        service.MapForwarding(app => app.MapReverseProxy(proxy =>
        {
            // In the order that a request meets them.
            proxy.UseMiddleware<UpstreamProblems>();
            proxy.UseMiddleware<BodyLimits>();
            proxy.UseMiddleware<BodyTypes>();
            proxy.UseMiddleware<WebhookDoor>();
            proxy.UseMiddleware<RouteCallers>();
            proxy.UseMiddleware<StreamEnds>();
            proxy.UseMiddleware<RouteTimeouts>();
            proxy.UseMiddleware<UpstreamRetries>();
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }));
    }

    private static void AddReplicas(ServiceBuilder service, string upstream, string[] clusters)
    {
        var setting = upstream.ToUpperInvariant().Replace('-', '_');
        var urls = service.Settings.Urls($"{setting}_URL", $"the addresses of {upstream}, e.g. http://127.0.0.1:5001,http://127.0.0.1:5002");
        IReadOnlyList<Uri>? health = null;
        if (service.Settings.Optional($"{setting}_HEALTH_URL") is not null)
        {
            health = service.Settings.Urls($"{setting}_HEALTH_URL", $"the management listeners of {upstream}, e.g. http://127.0.0.1:6001,http://127.0.0.1:6002");
            if (health.Count != urls.Count)
                service.Settings.Refuse($"{setting}_HEALTH_URL", $"must have as many addresses as {setting}_URL, in the same order");
        }

        foreach (var cluster in clusters.Select(cluster => $"ReverseProxy:Clusters:{cluster}"))
        {
            service.Configuration[$"{cluster}:HealthCheck:Active:Enabled"] = health is null ? "false" : "true";
            for (var i = 0; i < urls.Count; i++)
            {
                service.Configuration[$"{cluster}:Destinations:{upstream}-{i + 1}:Address"] = urls[i].AbsoluteUri;
                service.Configuration[$"{cluster}:Destinations:{upstream}-{i + 1}:Health"] = health?.ElementAtOrDefault(i)?.AbsoluteUri;
            }
        }
    }
}
