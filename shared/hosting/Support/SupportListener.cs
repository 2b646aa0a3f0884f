using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Support;

/// <summary>
/// A listener for support people alone, on a port of its own that the gateway never forwards to. It serves nothing but the routes added
/// here, and no other listener serves them; each names who may call it.
/// </summary>
public static class SupportListener
{
    /// <summary>Adds the listener. Reads <c>SUPPORT_URL</c>.</summary>
    public static void AddSupportListener(this ServiceBuilder service) =>
        service.SupportUrl = service.Settings.Url("SUPPORT_URL", "the address of the support API, e.g. http://127.0.0.1:7001");

    /// <summary>Adds routes to the support listener.</summary>
    public static void MapSupport(this ServiceBuilder service, Action<IEndpointRouteBuilder> map) =>
        service.Services.AddSingleton(new SupportRoutes(map));

    internal static void UseSupport(this WebApplication app) =>
        app.MapWhen(
            context => context.Features.Get<SupportConnection>() is not null,
            support =>
            {
                support.UseTelemetry();
                support.UseProblems();
                support.UseRouting();
                support.UseAuthorization();
                support.UseEndpoints(routes =>
                {
                    foreach (var routesToMap in app.Services.GetServices<SupportRoutes>())
                        routesToMap.Map(routes);
                });
            });

    private sealed record SupportRoutes(Action<IEndpointRouteBuilder> Map);
}

/// <summary>Marks a connection to the support listener. The listener decides, never a header that a client could send.</summary>
internal sealed class SupportConnection
{
    internal static readonly SupportConnection Mark = new();
}
