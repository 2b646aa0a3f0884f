using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;

namespace HomeStage.Gateway.Challenges;

internal static class ChallengesExtensions
{
    /// <summary>Adds the challenge; what it reads is with <see cref="ChallengeSettings"/>. Returns its settings, for the headers of our pages.</summary>
    internal static ChallengeSettings? AddChallenges(this ServiceBuilder service, Uri publicUrl)
    {
        var settings = ChallengeSettings.Read(service.Settings, publicUrl.Host);
        service.Services.AddSingleton(provider => new Challenge(settings, provider.GetRequiredService<SecurityEvents>()));
        if (settings is not null)
        {
            service.Services.AddSingleton(settings);
            service.Services.AddHttpClient<ChallengeVerifier>(client => client.Timeout = ChallengeVerifier.Limit);
        }

        return settings;
    }
}
