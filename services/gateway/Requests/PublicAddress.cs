using System.Collections.Frozen;
using HomeStage.Hosting;
using HomeStage.Hosting.Health;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace HomeStage.Gateway.Requests;

/// <summary>Serves the configured names only, over HTTPS only where that is what people use.</summary>
internal static class PublicAddress
{
    private static readonly string[] Loopback = ["localhost", "127.0.0.1", "[::1]"];

    /// <summary>
    /// Reads <c>ALLOWED_HOSTS</c>, <c>TLS_IN_FRONT</c> and <c>HTTP_REDIRECT_URL</c>. Production demands https,
    /// either the gateway's own or declared to be in front.
    /// </summary>
    internal static void AddPublicAddress(this ServiceBuilder service, Uri publicUrl)
    {
        var settings = service.Settings;
        var inFront = settings.Optional("TLS_IN_FRONT") ?? "false";
        if (inFront is not ("true" or "false"))
            settings.Refuse("TLS_IN_FRONT", "must be true or false");
        if (inFront == "true" && settings.Optional("TRUSTED_PROXIES") is null)
            settings.Refuse("TLS_IN_FRONT", "needs TRUSTED_PROXIES: only they can be in front");
        var own = settings.Optional("TLS_CERT") is not null;
        if (settings.Production && publicUrl.Scheme != Uri.UriSchemeHttps)
            settings.Refuse("PUBLIC_URL", "must be https in Production");
        if (settings.Production && !own && inFront != "true")
            settings.Refuse("TLS_CERT_FILE", "is missing: Production is served over https, by a certificate of its own or with TLS_IN_FRONT=true");

        if (settings.Optional("HTTP_REDIRECT_URL") is not null)
        {
            var plain = settings.Url("HTTP_REDIRECT_URL", "the plain http address that only sends people to https, e.g. http://0.0.0.0:80");
            if (!own)
                settings.Refuse("HTTP_REDIRECT_URL", "is of no use without TLS_CERT_FILE");
            service.Services.Configure<KestrelServerOptions>(kestrel => kestrel.Listen(Listeners.EndPointOf(plain)));
        }

        var hosts = Hosts(settings.Optional("ALLOWED_HOSTS"), publicUrl);
        var onlyHttps = publicUrl.Scheme == Uri.UriSchemeHttps && (own || inFront == "true");
        service.Use(app => app.Use((context, next) =>
            !hosts.Contains(context.Request.Host.Host) ? RefuseHostAsync(context)
            : onlyHttps && !context.Request.IsHttps && IsPlain(context, own) ? SendToHttpsAsync(context, publicUrl)
            : next(context)));
    }

    // A proxy in front that does not say the scheme is taken by its declaration: its http side never reaches us.
    private static bool IsPlain(HttpContext context, bool own) =>
        own || context.Request.Headers.ContainsKey("X-Forwarded-Proto") || context.Request.Headers.ContainsKey("X-Original-Proto");

    private static FrozenSet<string> Hosts(string? allowed, Uri publicUrl)
    {
        var more = allowed?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        return more.Append(publicUrl.Host).Concat(publicUrl.IsLoopback ? Loopback : []).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
    }

    private static Task RefuseHostAsync(HttpContext context) =>
        Problem.Invalid("host", "There is no such host here.").ExecuteAsync(context);

    /// <summary>A page is sent on; a request that already sent something in the clear is told so instead of repeating it.</summary>
    private static Task SendToHttpsAsync(HttpContext context, Uri publicUrl)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return Problem.Invalid("scheme", "Use https.").ExecuteAsync(context);
        context.Response.StatusCode = StatusCodes.Status308PermanentRedirect;
        context.Response.Headers.Location = publicUrl.GetLeftPart(UriPartial.Authority) + context.Request.Path.ToUriComponent() + context.Request.QueryString.ToUriComponent();
        return context.Response.CompleteAsync();
    }
}
