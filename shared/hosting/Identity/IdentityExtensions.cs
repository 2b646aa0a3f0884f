using System.Net.Http.Headers;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Identity;

/// <summary>Internal identity: who may call this service, and calls to others.</summary>
public static class IdentityExtensions
{
    /// <summary>
    /// Lets the named services call this one; every route then needs a valid token unless it allows anonymous calls.
    /// Reads <c>IDENTITY_CALLERS_DIR</c>, and <c>IDENTITY_KEY</c> if <paramref name="calls"/>.
    /// </summary>
    /// <param name="service">The service.</param>
    /// <param name="callers">Who may call: a token of any other issuer is refused.</param>
    /// <param name="calls">Whether this service itself calls others.</param>
    public static void AddIdentity(this ServiceBuilder service, IReadOnlyCollection<string> callers, bool calls = false)
    {
        var keys = IdentityKeys.Read(service.Settings, calls, callers);
        service.Services.AddSingleton(keys);
        service.Services.AddSingleton(new ServiceAudience(service.Name));
        if (keys.Own is { } own)
            service.Services.AddSingleton(provider => new IdentityIssuer(service.Name, own, provider.GetRequiredService<TimeProvider>()));
        if (callers.Count == 0)
            return;
        service.AuthenticatesCallers = true;
        service.Services.AddSingleton<InternalTokenValidator>();
        service.Services.AddAuthentication(InternalAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, InternalAuthenticationHandler>(InternalAuthenticationHandler.SchemeName, null);
        service.Services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
    }

    /// <summary>Admits only tokens of one issuer: <c>gateway</c> for public routes, a service's name for internal ones.</summary>
    public static TBuilder RequireCaller<TBuilder>(this TBuilder routes, string issuer)
        where TBuilder : IEndpointConventionBuilder =>
        routes.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireClaim("iss", issuer));

    /// <summary>A typed client for another service, with a token of our own on every request.</summary>
    /// <param name="service">The service.</param>
    /// <param name="audience">The service that is called.</param>
    /// <param name="urls">The addresses of its replicas, or one that stands for all of them.</param>
    /// <param name="timeout">Limit for a whole request.</param>
    /// <param name="repeatable">Whether every request may be sent twice, and not only those whose method says so.</param>
    public static IHttpClientBuilder AddInternalClient<TClient>(
        this ServiceBuilder service, string audience, IReadOnlyList<Uri> urls, TimeSpan timeout, bool repeatable = false)
        where TClient : class
    {
        // Handlers are made anew every few minutes; what is known of the replicas stays.
        Replicas? replicas = null;
        return service.Services.AddHttpClient<TClient>(client =>
            {
                client.BaseAddress = urls[0];
                client.Timeout = timeout;
            })
            .AddHttpMessageHandler(provider => new InternalTokenHandler(provider.GetRequiredService<IdentityIssuer>(), audience))
            .AddHttpMessageHandler(provider => new ReplicaHandler(
                LazyInitializer.EnsureInitialized(ref replicas, () => new Replicas(urls, provider.GetRequiredService<TimeProvider>())), repeatable));
    }

    private sealed class InternalTokenHandler(IdentityIssuer issuer, string audience) : DelegatingHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", issuer.IssueForSelf(audience));
            return base.SendAsync(request, cancellationToken);
        }
    }
}
