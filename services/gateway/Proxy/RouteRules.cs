using System.Globalization;
using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Limits;
using Yarp.ReverseProxy.Configuration;

namespace HomeStage.Gateway.Proxy;

/// <summary>What a route's metadata in <c>appsettings.json</c> says; explained there.</summary>
internal static class RouteRules
{
    private static readonly string[] Json = ["application/json"];

    internal static bool IsPublic(this RouteConfig route) => Is(route, "Caller", "public");

    internal static bool IsCosted(this RouteConfig route) => Is(route, "Costed", "true");

    /// <summary>Whether a request weighs as much in its limits as it has photos.</summary>
    internal static bool CountsPhotos(this RouteConfig route) => route.Limit() == LimitClasses.Listing;

    internal static bool IsStream(this RouteConfig route) => Is(route, "Stream", "true");

    internal static bool IsStripe(this RouteConfig route) => Is(route, "Door", "stripe");

    /// <summary>How long nothing may move before a request is given up; null where the cluster says it.</summary>
    /// <exception cref="FormatException">The metadata is no time; <see cref="UpstreamTransforms"/> refuses it at the start.</exception>
    internal static TimeSpan? Timeout(this RouteConfig route) =>
        route.Metadata?.GetValueOrDefault("Timeout") is { } time ? TimeSpan.ParseExact(time, "c", CultureInfo.InvariantCulture) : null;

    /// <summary>Whether unsafe requests of browsers want a proof that a person asks.</summary>
    internal static ChallengeRule Challenge(this RouteConfig route) =>
        Is(route, "Challenge", "required") ? ChallengeRule.Required : Is(route, "Challenge", "told") ? ChallengeRule.Told : ChallengeRule.None;

    /// <summary>The media types that a body may have.</summary>
    internal static string[] BodyTypes(this RouteConfig route) =>
        route.Metadata is { } metadata && metadata.TryGetValue("Body", out var types) ? types.Split(' ') : Json;

    /// <summary>The class whose limits hold for the route; null where none do.</summary>
    internal static string? Limit(this RouteConfig route) =>
        route.Metadata?.GetValueOrDefault("Limit", LimitClasses.Api) is var limit && limit != "none" ? limit ?? LimitClasses.Api : null;

    /// <summary>The scope that a program needs for a safe or an unsafe request; null: programs have no business there.</summary>
    internal static string? ScopeOf(this RouteConfig route, bool isUnsafe) => route.Metadata?.GetValueOrDefault(isUnsafe ? "WriteScope" : "ReadScope");

    /// <summary>The service behind a cluster, by the name that its tokens carry as audience.</summary>
    internal static string Audience(this ClusterConfig cluster) => cluster.Metadata!["Audience"];

    private static bool Is(RouteConfig route, string name, string value) =>
        route.Metadata is { } metadata && metadata.TryGetValue(name, out var said) && said == value;
}
