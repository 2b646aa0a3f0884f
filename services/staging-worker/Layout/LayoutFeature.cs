using HomeStage.Hosting;

namespace HomeStage.Worker.Layout;

/// <summary>The layout pass, where it is configured.</summary>
internal static class LayoutFeature
{
    internal static void AddLayout(this ServiceBuilder service, WorkerSettings settings)
    {
        if (settings.Layout is not { } layout)
            return;
        service.Services.AddSingleton(layout);
        service.Services.AddSingleton<LayoutModel>();
        service.Services.AddSingleton<LayoutNotes>();
        service.Services.AddSingleton<LayoutPass>();
    }
}
