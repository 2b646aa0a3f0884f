using HomeStage.Hosting;
using HomeStage.Hosting.Health;

namespace HomeStage.Worker.Provider;

/// <summary>The image provider, and the pause that all workers keep together.</summary>
internal static class ProviderFeature
{
    internal static void AddImageProvider(this ServiceBuilder service)
    {
        service.Services.AddSingleton<ImageProvider>();
        service.Services.AddSingleton<ProviderPause>();
        service.Services.AddSingleton<ProviderBreaker>();
        service.Services.AddSingleton(provider => new ReadinessCheck("provider", _ => Task.FromResult(WhyUnusable(provider))));
    }

    // A wrong key or model is this deployment's own fault, and no attempt can succeed; other pauses pass by themselves.
    private static string? WhyUnusable(IServiceProvider provider) => provider.GetRequiredService<ProviderPause>().Reason switch
    {
        ProviderFailures.Unauthorized => "the provider refuses OPENAI_API_KEY",
        ProviderFailures.Misconfigured => "the provider does not know OPENAI_MODEL or OPENAI_BASE_URL",
        _ => null,
    };
}
