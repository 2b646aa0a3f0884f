using HomeStage.Gateway.Challenges;
using HomeStage.Gateway.Csrf;
using HomeStage.Hosting;

namespace HomeStage.Gateway.Headers;

/// <summary>Sets the security headers on every answer: our own, proxied, and errors alike.</summary>
internal static class SecurityHeaders
{
    /// <summary>Own files only, no inline code. <c>blob:</c> images are the preview of a photo that was chosen and not yet sent.</summary>
    internal static readonly string ContentSecurityPolicy = Policy("", "", "; require-trusted-types-for 'script'");

    private static readonly (string Name, string Value)[] Always =
    [
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        // Not no-referrer: forms would then post with "Origin: null", which cannot be told from a foreign page.
        ("Referrer-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];

    /// <param name="service">The gateway.</param>
    /// <param name="challenge">
    /// Where there is one, its provider's script runs in our pages and shows a frame of its own; it may load what its provider documents, and
    /// cannot keep to trusted types or be embedded under <c>require-corp</c>.
    /// </param>
    internal static void AddSecurityHeaders(this ServiceBuilder service, ChallengeSettings? challenge) => service.Use(app =>
    {
        (string Name, string Value)[] always = challenge is null
            ? [.. Always, ("Content-Security-Policy", ContentSecurityPolicy), ("Cross-Origin-Embedder-Policy", "require-corp")]
            : [.. Always, ("Content-Security-Policy", Policy($" {challenge.PageSources}", $" frame-src {challenge.PageSources};", ""))];
        var publicUrl = app.Services.GetRequiredService<Origins>().PublicUrl;
        var strictTransport = publicUrl.Scheme == Uri.UriSchemeHttps && !publicUrl.IsLoopback;
        app.Use((context, next) =>
        {
            // At the last moment, so that nothing an upstream or an error handler did to the headers outlives it.
            context.Response.OnStarting(
                state =>
                {
                    var headers = ((HttpContext)state).Response.Headers;
                    foreach (var (name, value) in always)
                        headers[name] = value;
                    if (strictTransport)
                        headers.StrictTransportSecurity = "max-age=63072000; includeSubDomains";
                    headers.Remove("Server");
                    headers.Remove("X-Powered-By");
                    return Task.CompletedTask;
                },
                context);
            return next(context);
        });
    });

    private static string Policy(string sources, string frames, string trustedTypes) =>
        $"default-src 'none'; script-src 'self'{sources};{frames} style-src 'self'{sources}; img-src 'self' blob:; connect-src 'self'{sources}; "
        + $"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'{trustedTypes}";
}
