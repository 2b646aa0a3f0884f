using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Worker.Rendering;

/// <summary>Attempts at jobs: claim, lease, provider call, results.</summary>
internal static class RenderingFeature
{
    internal static void AddRendering(this ServiceBuilder service, WorkerSettings settings)
    {
        // The same claim gets the same lease, however often it is asked for.
        service.AddInternalClient<JobClaims>("staging-api", settings.StagingApi, JobClaims.Limit, repeatable: true);
        service.Services.AddSingleton<Draining>();
        service.Services.AddSingleton<RenderSlots>();
        service.Services.AddSingleton<AttemptMessages>();
        service.Services.AddSingleton<Previews>();
        service.Services.AddSingleton<RenderAttempt>();
        service.AddMetrics<WorkerMetrics>();
    }
}
