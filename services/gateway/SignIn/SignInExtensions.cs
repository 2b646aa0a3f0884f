using System.Security.Claims;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;

namespace HomeStage.Gateway.SignIn;

internal static class SignInExtensions
{
    private static readonly TimeSpan LongestSignIn = TimeSpan.FromMinutes(15);

    /// <summary>Reads <c>SIGN_IN_PROVIDERS</c> and what belongs to each; none is allowed.</summary>
    internal static void AddSignIn(this ServiceBuilder service)
    {
        var providers = ProviderSettings.Read(service.Settings);
        service.Services.AddSingleton(services =>
            new Providers(providers, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILogger<Provider>>()));
        service.Services.AddTransient<SignIns>();
        var schemes = service.Services.AddAuthentication();
        foreach (var provider in providers)
        {
            var scheme = SchemeOf(provider);
            schemes.AddOAuth<OidcOptions, OidcHandler>(scheme, provider.Name, options => Configure(options, provider));
            service.Services.AddOptions<OidcOptions>(scheme).Configure<Providers, CookieKeys>((options, all, keys) =>
            {
                options.Provider = all.Find(provider.Id)!;
                options.DataProtectionProvider = new CookieProtection(keys);
            });
        }

        // The framework answers these before routing: they are counted here.
        service.Use(app => app.UseWhen(
            context => context.Request.Path.StartsWithSegments(ProviderSettings.Callbacks, StringComparison.Ordinal),
            callbacks => callbacks.Use(CountAsync).UseAuthentication()));
        service.Map(app => app.MapSignIn());
        // Its base class quotes what a provider says of a person, and cookies at Debug; what matters are our own events.
        service.Services.AddLogging(logging => logging.AddFilter(typeof(OidcHandler).FullName, LogLevel.None));
    }

    private static async Task CountAsync(HttpContext context, RequestDelegate next)
    {
        if (await context.RequestServices.GetRequiredService<RateLimits>().RefusalAsync(context, LimitClasses.SignIn, caller: null) is { } refusal)
            await refusal.ExecuteAsync(context);
        else
            await next(context);
    }

    internal static string SchemeOf(ProviderSettings provider) => "sign-in-" + provider.Id;

    private static void Configure(OidcOptions options, ProviderSettings provider)
    {
        options.ClientId = provider.ClientId;
        options.ClientSecret = provider.ClientSecret;
        options.CallbackPath = provider.CallbackPath;
        options.SignInScheme = SessionCookie.Scheme;
        options.UsePkce = true;
        options.Scope.Clear();
        foreach (var scope in provider.Scopes)
            options.Scope.Add(scope);
        options.BackchannelTimeout = TimeSpan.FromSeconds(10);
        options.RemoteAuthenticationTimeout = LongestSignIn;
        // The framework's own is bound to the callback's path, which a __Host- cookie cannot be. Lax: the provider's answer is a GET from elsewhere.
        options.CorrelationCookie = new CookieBuilder
        {
            Name = "__Host-homestage-sign-in.",
            Path = "/",
            HttpOnly = true,
            IsEssential = true,
            SameSite = SameSiteMode.Lax,
            SecurePolicy = CookieSecurePolicy.Always,
            Expiration = LongestSignIn,
        };
        options.Events = new OAuthEvents
        {
            OnRedirectToAuthorizationEndpoint = challenge => challenge.Response.WriteAsJsonAsync(new GoTo(challenge.RedirectUri)),
            OnTicketReceived = CompleteAsync,
            OnAccessDenied = denied => AnswerAsync(denied, SignInEndpoints.PageSaying("canceled")),
            OnRemoteFailure = FailAsync,
        };
    }

    private static async Task CompleteAsync(TicketReceivedContext ticket)
    {
        var who = new SignedIn(
            ticket.Options is OidcOptions options ? options.Provider.Settings.Id : "", ticket.Principal!.FindFirstValue("iss")!, ticket.Principal!.FindFirstValue("sub")!);
        // Was checked when the sign-in began, and came back encrypted.
        var returnUrl = ticket.ReturnUri is { } path && LocalPath.IsLocal(path) ? path : "/";
        var outcome = await ticket.HttpContext.RequestServices.GetRequiredService<SignIns>().CompleteAsync(ticket.HttpContext, who, returnUrl, merge: null);
        await AnswerAsync(ticket, outcome switch
        {
            SignInOutcome.Done => returnUrl,
            SignInOutcome.Asked => "/sign-in.html",
            _ => SignInEndpoints.PageSaying("unavailable"),
        });
    }

    private static Task FailAsync(RemoteFailureContext failure)
    {
        var events = failure.HttpContext.RequestServices.GetRequiredService<SecurityEvents>();
        if (failure.Failure is ProviderUnavailableException)
            return AnswerAsync(failure, SignInEndpoints.PageSaying("unavailable"));
        events.SignInFailed(failure.HttpContext);
        return AnswerAsync(failure, SignInEndpoints.PageSaying("failed"));
    }

    private static Task AnswerAsync(HandleRequestContext<RemoteAuthenticationOptions> context, string path)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Redirect(path);
        context.HandleResponse();
        return Task.CompletedTask;
    }
}
