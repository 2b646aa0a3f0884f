using System.Security.Claims;
using HomeStage.Gateway.Description;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Redis;
using Microsoft.AspNetCore.Authentication;
using Yarp.ReverseProxy.Model;

namespace HomeStage.Gateway.Limits;

/// <summary>How often, and how much at once.</summary>
internal static class RateLimitsExtensions
{
    private const int MostReplicas = 1000;

    /// <summary>Reads <c>LIMITS</c>, the limits of each class (<c>LIMIT_API</c> and so on), and <c>GATEWAY_REPLICAS</c>.</summary>
    internal static void AddRateLimits(this ServiceBuilder service)
    {
        var settings = service.Settings;
        var on = settings.Optional("LIMITS") ?? "on";
        if (on is not ("on" or "off"))
            settings.Refuse("LIMITS", "must be on or off");
        if (on == "off" && settings.Production)
            settings.Refuse("LIMITS", "cannot be off in Production");
        var classes = LimitClasses.Read(settings);
        var replicas = settings.WholeNumber("GATEWAY_REPLICAS", 1, 1, MostReplicas, "how many gateways share the limits");

        service.AddRedis();
        service.Services.AddSingleton(classes);
        service.Services.AddSingleton<LimitStore>();
        service.Services.AddSingleton(provider => new RateLimits(
            classes,
            on == "off" ? null : new RateLimiter(provider.GetRequiredService<LimitStore>(), replicas, provider.GetRequiredService<TimeProvider>()),
            provider.GetRequiredService<GatewayMetrics>(),
            provider.GetRequiredService<SecurityEvents>()));
        service.Services.AddSingleton(provider => new OpenStreams(
            provider.GetRequiredService<RedisConnection>(), on == "on", replicas, provider.GetRequiredService<TimeProvider>()));
        service.Services.AddHostedService(provider => provider.GetRequiredService<OpenStreams>());
        // Forwarded requests are counted once it is known who makes them: RouteCallers.
        service.Map(app => app.Use((context, next) =>
            context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<RouteModel>() is not null ? next(context) : CountOwnAsync(context, next)));
    }

    /// <summary>Puts a route of the gateway's own into a class other than <see cref="LimitClasses.Api"/>.</summary>
    internal static TBuilder Limited<TBuilder>(this TBuilder route, string limitClass)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new LimitedRoute(limitClass)).Says(operation => operation[PublicDescription.LimitExtension] = limitClass);

    private static async Task CountOwnAsync(HttpContext context, RequestDelegate next)
    {
        var limits = context.RequestServices.GetRequiredService<RateLimits>();
        if (await limits.RefusalAsync(context, ClassOf(context, context.GetEndpoint()), await SessionInAsync(context)) is { } refusal)
            await refusal.ExecuteAsync(context);
        else
            await next(context);
    }

    /// <summary>Pages and files, and what is nowhere, are of one class; everything under <c>/api</c> of another.</summary>
    private static string ClassOf(HttpContext context, Endpoint? endpoint) =>
        endpoint?.Metadata.GetMetadata<LimitedRoute>()?.Class
        ?? (endpoint is not null || context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal) ? LimitClasses.Api : LimitClasses.Static);

    private static async Task<LimitedCaller?> SessionInAsync(HttpContext context) =>
        (await context.AuthenticateAsync(SessionCookie.Scheme)).Principal?.FindFirstValue("sid") is { } session && Guid.TryParse(session, out var id)
            ? new LimitedCaller($"s:{id:N}", [])
            : null;

    private sealed record LimitedRoute(string Class);
}
