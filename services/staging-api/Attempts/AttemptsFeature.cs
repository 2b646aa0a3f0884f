using HomeStage.Hosting;

namespace HomeStage.Staging.Attempts;

/// <summary>The life of a job between submission and settlement.</summary>
internal static class AttemptsFeature
{
    internal static void AddAttempts(this ServiceBuilder service)
    {
        var pepper = service.Settings.Secret("SAFETY_PEPPER", "a random text that keys the accounts' ids for the image provider");
        service.Services.AddSingleton(new SafetyId(pepper));
        service.Services.AddSingleton<JobWriter>();
        service.Services.AddSingleton<WorkerMessages>();
        service.Services.AddHostedService<Scheduler>();
        service.Services.AddHostedService<JobSampler>();
        service.Map(app => app.MapClaims());
    }
}
