using System.Buffers;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace HomeStage.Gateway.Headers;

/// <summary>
/// Refuses paths that two servers could read differently: dot segments, encoded slashes, backslashes, anything encoded at all.
/// No path of ours needs more than letters, digits and <c>- . _ ~ /</c>, so nothing has to be guessed or normalised.
/// </summary>
internal static class PathRules
{
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/");

    internal static void AddPathRules(this ServiceBuilder service) => service.Use(app =>
    {
        var events = app.Services.GetRequiredService<SecurityEvents>();
        app.Use((context, next) =>
        {
            if (IsPlain(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget))
                return next(context);
            events.PathRefused(context);
            return Problem.Invalid("path", "A path is made of letters, digits, '-', '.', '_', '~' and single slashes.").ExecuteAsync(context);
        });
    });

    /// <summary>Judges the request target as it was sent, before any server decoded or shortened it.</summary>
    internal static bool IsPlain(ReadOnlySpan<char> target)
    {
        // A client may send the absolute form, "GET http://host/path".
        var scheme = target.IndexOf("://");
        if (scheme > 0 && target[0] != '/')
        {
            var afterHost = target[(scheme + 3)..].IndexOf('/');
            if (afterHost < 0)
                return true;
            target = target[(scheme + 3 + afterHost)..];
        }

        var query = target.IndexOf('?');
        var path = query < 0 ? target : target[..query];
        if (path.IsEmpty || path[0] != '/' || path.ContainsAnyExcept(Plain) || path.Contains("//", StringComparison.Ordinal))
            return false;
        foreach (var segment in path.Split('/'))
        {
            if (path[segment] is "." or "..")
                return false;
        }

        return true;
    }
}
