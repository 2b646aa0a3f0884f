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

/// <summary>Health and the end of a service.</summary>
public static class HealthExtensions
{
    /// <summary>Adds a condition of readiness.</summary>
    public static void AddReadinessCheck(this ServiceBuilder service, ReadinessCheck check) => service.Services.AddSingleton(check);

    /// <summary>Reads <c>MANAGEMENT_URL</c> and <c>DRAIN_SECONDS</c>. To be added before every other hosted service, so that it starts first and stops last.</summary>
    internal static void AddHealth(this ServiceBuilder service)
    {
        var url = service.Settings.Url("MANAGEMENT_URL", "the address of health checks and metrics, e.g. http://127.0.0.1:6001");
        service.Services.AddSingleton(provider => new ManagementListener(url, provider));
        service.Services.AddHostedService(provider => provider.GetRequiredService<ManagementListener>());
        service.Services.AddSingleton<GracefulStop>();
        service.Services.AddSingleton<IHostLifetime>(provider => provider.GetRequiredService<GracefulStop>());
        // Left to its default a shutdown would be cut after 30 s whatever is in flight.
        var drain = service.Settings.Seconds("DRAIN_SECONDS", 30, 1, 3600, "how long a stopping service may finish what is in flight");
        service.Services.Configure<HostOptions>(options => options.ShutdownTimeout = drain);
    }

    /// <summary>Reads <c>DRAIN_DELAY_SECONDS</c>. Nobody needs to see it where nobody sends requests.</summary>
    internal static void AddDrainDelay(this ServiceBuilder service, bool serves)
    {
        var delay = service.Settings.Seconds("DRAIN_DELAY_SECONDS", 3, 0, 60, "how long a stopping service still serves while it says that it is not ready");
        service.Services.AddSingleton(new DrainDelay(serves ? delay : TimeSpan.Zero));
    }
}
