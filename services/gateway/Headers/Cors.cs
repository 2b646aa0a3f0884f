using HomeStage.Gateway.Csrf;
using HomeStage.Hosting;
using Microsoft.AspNetCore.Cors.Infrastructure;

namespace HomeStage.Gateway.Headers;

/// <summary>
/// Lets pages of <c>ALLOWED_ORIGINS</c> call the API with the session. They have to be of our own site (<c>app.</c> beside <c>www.</c>):
/// to others the browser does not send a cookie that is SameSite=Lax. Nobody else is answered anything about CORS.
/// </summary>
internal static class Cors
{
    internal static void AddCors(this ServiceBuilder service)
    {
        service.Services.AddCors();
        service.Use(app =>
        {
            var origins = app.Services.GetRequiredService<Origins>().Others;
            if (origins.Count == 0)
                return;
            var policy = new CorsPolicyBuilder([.. origins])
                .AllowCredentials()
                .WithMethods("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
                .WithHeaders("Content-Type", "Idempotency-Key", "Last-Event-ID")
                .WithExposedHeaders("Location", "Retry-After", "RateLimit", "RateLimit-Policy", "ETag")
                .SetPreflightMaxAge(TimeSpan.FromMinutes(10))
                .Build();
            app.UseWhen(
                context => context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal),
                api => api.UseMiddleware<CorsMiddleware>(policy));
        });
    }
}
