using HomeStage.Hosting;
using HomeStage.Imaging;
using HomeStage.Storage;

namespace HomeStage.Worker.Outputs;

/// <summary>The store of pictures, and libvips.</summary>
internal static class OutputsFeature
{
    internal static void AddOutputs(this ServiceBuilder service)
    {
        service.AddBlobs();
        service.Services.AddSingleton<JobFiles>();
        service.Services.AddHostedService<StartOfImaging>();
    }

    /// <summary>Stops the start where libvips or a font is missing, not the first job.</summary>
    private sealed class StartOfImaging : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            ImagingRuntime.Initialise();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
