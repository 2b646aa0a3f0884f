using HomeStage.Gateway.Entitlements;
using HomeStage.Hosting;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.Options;

namespace HomeStage.Gateway.Sessions;

internal static class SessionsExtensions
{
    /// <summary>Reads <c>COOKIE_KEYS_DIR</c> and <c>ENTITLEMENTS_URL</c>; Redis comes with the limits.</summary>
    internal static void AddSessions(this ServiceBuilder service)
    {
        AddCookieKeys(service);
        service.Services.AddAuthentication(SessionCookie.Scheme).AddCookie(SessionCookie.Scheme, SessionCookie.Configure);
        service.Services.AddSingleton<IConfigureOptions<CookieAuthenticationOptions>>(provider => new ConfigureNamedOptions<CookieAuthenticationOptions>(
            SessionCookie.Scheme, cookie => cookie.DataProtectionProvider = new CookieProtection(provider.GetRequiredService<CookieKeys>())));
        service.Services.AddSingleton<IPostConfigureOptions<CookieAuthenticationOptions>, RememberedTickets.Setup>();
        service.Services.AddAuthorization();
        service.Services.AddSingleton<SessionCookie>();
        service.Services.AddSingleton<SessionOffers>();

        var entitlements = service.Settings.Urls("ENTITLEMENTS_URL", "the addresses of entitlements, e.g. http://127.0.0.1:5003");
        service.AddInternalClient<EntitlementsClient>("entitlements", entitlements, EntitlementsClient.Limit);
        service.Services.AddSingleton<RegisteredSessions>();
        service.Services.AddTransient<SessionRegistry>();
        service.Services.AddSingleton<SessionSightings>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<SessionSightings>());
        AddRevocations(service);
        service.Map(app => app.MapSession());
    }

    private static void AddRevocations(ServiceBuilder service)
    {
        service.Services.AddSingleton<Revocations>();
        service.Services.AddSingleton(RevocationTimes.Default);
        service.Services.AddHostedService<RevocationReader>();
        service.Services.AddSingleton(provider =>
        {
            var revocations = provider.GetRequiredService<Revocations>();
            return new ReadinessCheck(
                "revocations", _ => Task.FromResult(revocations.Loaded ? null : "Revocations were not read yet: entitlements does not answer."));
        });
    }

    private static void AddCookieKeys(ServiceBuilder service)
    {
        var folder = service.Settings.Folder("COOKIE_KEYS_DIR", "the folder with the cookie's key files, *.key, 64 random bytes in base64 each");
        if (Directory.Exists(folder) && Directory.GetFiles(folder, CookieKeys.Pattern).Length == 0)
            service.Settings.Refuse("COOKIE_KEYS_DIR", "has no *.key file: put one there with 'openssl rand -base64 64 > 0001.key'");
        service.Services.AddSingleton(provider =>
            new CookieKeys(folder, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<CookieKeys>>()));
        service.Services.AddSingleton(provider =>
        {
            var keys = provider.GetRequiredService<CookieKeys>();
            return new ReadinessCheck("cookie-keys", _ => Task.FromResult(keys.Problem));
        });
    }
}
