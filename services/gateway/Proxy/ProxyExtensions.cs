using HomeStage.Gateway.Webhooks;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Yarp.ReverseProxy.Health;

namespace HomeStage.Gateway.Proxy;

/// <summary>The way to the services. Routes are in <c>appsettings.json</c>.</summary>
internal static class ProxyExtensions
{
    private const string StreamsCluster = "staging-api-streams";

    /// <summary>
    /// Reads <c>BILLING_URL</c>, <c>ENTITLEMENTS_URL</c> and <c>STAGING_API_URL</c>, each the addresses of all replicas. In the same order there may be
    /// the addresses of their management listeners, <c>BILLING_HEALTH_URL</c> and so on, which are asked whether they are ready; and
    /// <c>STAGING_API_STREAMS_URL</c>, where event streams share connections by HTTP/2 instead of having one each.
    /// </summary>
    internal static void AddProxy(this ServiceBuilder service)
    {
        foreach (var upstream in (ReadOnlySpan<string>)["billing", "entitlements", "staging-api"])
        {
            var setting = upstream.ToUpperInvariant().Replace('-', '_');
            var urls = service.Settings.Urls($"{setting}_URL", $"the addresses of {upstream}, e.g. http://127.0.0.1:5001,http://127.0.0.1:5002");
            var health = Beside(service, urls, setting, "HEALTH", $"the management listeners of {upstream}, e.g. http://127.0.0.1:6001,http://127.0.0.1:6002");
            AddReplicas(service, upstream, upstream, urls, health);
            if (upstream != "staging-api")
                continue;
            var streams = Beside(service, urls, setting, "STREAMS", "the HTTP2_URL of each staging-api, e.g. http://127.0.0.1:5011,http://127.0.0.1:5012");
            AddReplicas(service, upstream, StreamsCluster, streams ?? urls, health);
            if (streams is null)
                continue;
            service.Configuration[$"ReverseProxy:Clusters:{StreamsCluster}:HttpRequest:Version"] = "2";
            service.Configuration[$"ReverseProxy:Clusters:{StreamsCluster}:HttpRequest:VersionPolicy"] = nameof(HttpVersionPolicy.RequestVersionExact);
        }

        service.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Limits.MaxRequestBodySize = BodyLimits.Default);
        service.Services.AddSingleton<WebhookSlots>();
        service.Services.AddSingleton<IProbingRequestFactory, ManagementProbes>();
        service.Services.AddSingleton<IActiveHealthCheckPolicy, SaidReadiness>();
        service.Services.AddSingleton<IPassiveHealthCheckPolicy, FailedConnections>();
        var unmeasured = new UnmeasuredClient();
        service.Services.AddReverseProxy()
            .LoadFromConfig(service.Configuration.GetSection("ReverseProxy"))
            .AddTransforms<UpstreamTransforms>()
            .ConfigureHttpClient((_, handler) =>
            {
                // UpstreamTransforms hands the trace on; a span of the client beside YARP's own would say the same once more.
                handler.ActivityHeadersPropagator = null;
                handler.MeterFactory = unmeasured;
            });
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

    /// <summary>Other addresses of the same replicas; null where they are not given.</summary>
    private static IReadOnlyList<Uri>? Beside(ServiceBuilder service, IReadOnlyList<Uri> urls, string setting, string kind, string meaning)
    {
        var name = $"{setting}_{kind}_URL";
        if (service.Settings.Optional(name) is null)
            return null;
        var beside = service.Settings.Urls(name, meaning);
        if (beside.Count == urls.Count)
            return beside;
        service.Settings.Refuse(name, $"must have as many addresses as {setting}_URL, in the same order");
        return null;
    }

    private static void AddReplicas(ServiceBuilder service, string upstream, string cluster, IReadOnlyList<Uri> urls, IReadOnlyList<Uri>? health)
    {
        var section = $"ReverseProxy:Clusters:{cluster}";
        service.Configuration[$"{section}:HealthCheck:Active:Enabled"] = health is null ? "false" : "true";
        for (var i = 0; i < urls.Count; i++)
        {
            service.Configuration[$"{section}:Destinations:{upstream}-{i + 1}:Address"] = urls[i].AbsoluteUri;
            service.Configuration[$"{section}:Destinations:{upstream}-{i + 1}:Health"] = health?[i].AbsoluteUri;
        }
    }
}
