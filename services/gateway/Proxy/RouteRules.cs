using Yarp.ReverseProxy.Configuration;

namespace HomeStage.Gateway.Proxy;

/// <summary>What a route's metadata in <c>appsettings.json</c> says; explained there.</summary>
internal static class RouteRules
{
    internal static bool IsPublic(this RouteConfig route) => Is(route, "Caller", "public");

    internal static bool IsCosted(this RouteConfig route) => Is(route, "Costed", "true");

    internal static bool IsStream(this RouteConfig route) => Is(route, "Stream", "true");

    /// <summary>The service behind a cluster, by the name that its tokens carry as audience.</summary>
    internal static string Audience(this ClusterConfig cluster) => cluster.Metadata!["Audience"];

    private static bool Is(RouteConfig route, string name, string value) =>
        route.Metadata is { } metadata && metadata.TryGetValue(name, out var said) && said == value;
}
