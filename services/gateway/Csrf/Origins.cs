using System.Collections.Frozen;
using HomeStage.Hosting;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.Csrf;

/// <summary>
/// Decides from which pages an unsafe request may come. A browser says it by <c>Origin</c>, or where that is missing by
/// <c>Sec-Fetch-Site</c>; programs send neither, and without a cookie they have nothing that a foreign page could abuse.
/// </summary>
internal sealed class Origins(Uri publicUrl, FrozenSet<string> allowed)
{
    /// <summary>Where people reach us.</summary>
    internal Uri PublicUrl => publicUrl;

    /// <summary>The configured origins beside our own.</summary>
    internal IReadOnlyCollection<string> Others { get; } =
        [.. allowed.Where(origin => !string.Equals(origin, publicUrl.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase))];

    /// <summary>Whether an unsafe request is admitted: with a cookie only from our own page, without one not from a foreign page.</summary>
    internal bool Admits(HttpRequest request, bool withCookie) => withCookie ? IsOwn(request) : !IsForeign(request);

    /// <summary>Whether the request certainly came from a page that is not ours.</summary>
    internal bool IsForeign(HttpRequest request) =>
        request.Headers.Origin.Count > 0
            ? !IsAllowed(request)
            : request.Headers["Sec-Fetch-Site"].Count > 0 && request.Headers["Sec-Fetch-Site"].ToString() is not ("same-origin" or "none");

    private bool IsOwn(HttpRequest request) =>
        request.Headers.Origin.Count > 0 ? IsAllowed(request) : request.Headers["Sec-Fetch-Site"].ToString() is "same-origin";

    private bool IsAllowed(HttpRequest request) => allowed.Contains(request.Headers.Origin.ToString());
}

internal static class OriginsExtensions
{
    /// <summary>Reads <c>PUBLIC_URL</c> and <c>ALLOWED_ORIGINS</c> (comma separated).</summary>
    /// <returns>The address that people use.</returns>
    internal static Uri AddOrigins(this ServiceBuilder service)
    {
        var settings = service.Settings;
        var publicUrl = settings.Url("PUBLIC_URL", "the address that people use, e.g. http://localhost:8080");
        if (publicUrl.PathAndQuery != "/")
            settings.Refuse("PUBLIC_URL", "must be an origin, without a path, e.g. https://homestage.example");
        if (publicUrl.Scheme == Uri.UriSchemeHttp && !publicUrl.IsLoopback)
            settings.Refuse("PUBLIC_URL", "must be https: browsers keep a session cookie over plain http on localhost only");
        var allowed = AllowedOrigins(settings).Prepend(OriginOf(publicUrl));
        service.Services.AddSingleton(new Origins(publicUrl, allowed.ToFrozenSet(StringComparer.Ordinal)));
        return publicUrl;
    }

    private static IEnumerable<string> AllowedOrigins(Settings settings)
    {
        var texts = settings.Optional("ALLOWED_ORIGINS")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        foreach (var text in texts)
        {
            if (Uri.TryCreate(text, UriKind.Absolute, out var origin) && origin.Scheme is "http" or "https" && string.Equals(OriginOf(origin), text, StringComparison.OrdinalIgnoreCase))
                yield return OriginOf(origin);
            else
                settings.Refuse("ALLOWED_ORIGINS", "must be origins such as https://app.homestage.example, separated by commas");
        }
    }

    private static string OriginOf(Uri url) => url.GetLeftPart(UriPartial.Authority).ToLowerInvariant();
}
