using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Telemetry;

/// <summary>Metrics that are there from the start.</summary>
public static class MetricsExtensions
{
    /// <summary>
    /// Adds a class of instruments as a singleton that the service makes when it starts, whether or not anything asks for it: <c>increase()</c>
    /// sees a counter grow from the zero that its class begins it with, and nothing of one whose first sample is a burst.
    /// </summary>
    public static void AddMetrics<T>(this ServiceBuilder service)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(service);
        service.Services.AddSingleton<T>();
        service.Use(app => app.Services.GetRequiredService<T>());
    }
}
