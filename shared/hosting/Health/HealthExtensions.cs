using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace HomeStage.Hosting.Health;

/// <summary>
/// One condition of readiness. Only what this replica itself needs before it may serve (its schema, its keys) belongs here;
/// dependencies are metrics, so that the outage of one does not make everything unready.
/// </summary>
/// <param name="Name">What is checked.</param>
/// <param name="NotReadyBecause">Null when ready, else why not.</param>
public sealed record ReadinessCheck(string Name, Func<CancellationToken, Task<string?>> NotReadyBecause);

/// <summary>The management listener: <c>/health/live</c>, <c>/health/ready</c>, <c>/metrics</c>, and what features add.</summary>
public static class HealthExtensions
{
    /// <summary>Adds a condition of readiness.</summary>
    public static void AddReadinessCheck(this ServiceBuilder service, ReadinessCheck check) => service.Services.AddSingleton(check);

    /// <summary>Adds routes to the management listener, which the gateway never forwards to.</summary>
    public static void MapManagement(this ServiceBuilder service, Action<IEndpointRouteBuilder> map) =>
        service.Services.AddSingleton(new ManagementRoutes(map));

    internal static void AddHealth(this ServiceBuilder service)
    {
        service.MapManagement(routes =>
        {
            routes.MapGet("/health/live", () => TypedResults.Ok(new { status = "live" }));
            routes.MapGet("/health/ready", ReadyAsync);
            routes.MapGet("/metrics", (PrometheusExporter exporter) => TypedResults.Text(exporter.Collect(), PrometheusExporter.ContentType));
        });
        // Left to its default a shutdown would be cut after 30 s whatever is in flight.
        var drain = service.Settings.Seconds("DRAIN_SECONDS", 30, 1, 3600, "how long a stopping service may finish what is in flight");
        service.Services.Configure<HostOptions>(options => options.ShutdownTimeout = drain);
    }

    internal static void UseManagement(this WebApplication app) =>
        app.MapWhen(
            context => context.Features.Get<ManagementConnection>() is not null,
            management =>
            {
                management.UseRouting();
                management.UseEndpoints(routes =>
                {
                    foreach (var routesToMap in app.Services.GetServices<ManagementRoutes>())
                        routesToMap.Map(routes);
                });
            });

    private static async Task<IResult> ReadyAsync(
        IEnumerable<ReadinessCheck> checks, IHostApplicationLifetime lifetime, CancellationToken cancellationToken)
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        if (!lifetime.ApplicationStarted.IsCancellationRequested)
            reasons["start"] = "still starting";
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            reasons["stop"] = "draining";
        foreach (var check in checks)
        {
            if (await check.NotReadyBecause(cancellationToken) is { } reason)
                reasons[check.Name] = reason;
        }

        return reasons.Count == 0
            ? TypedResults.Ok(new { status = "ready" })
            : TypedResults.Json(new { status = "not ready", reasons }, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private sealed record ManagementRoutes(Action<IEndpointRouteBuilder> Map);
}
