using System.Globalization;
using System.Text.RegularExpressions;

namespace HomeStage.Worker.Provider;

/// <summary>
/// How long the provider asks to wait: <c>Retry-After</c> (seconds or a date), <c>retry-after-ms</c>, and
/// <c>x-ratelimit-reset-*</c> (<c>12ms</c>, <c>7.66s</c>, <c>6m0s</c>). Bounded, since the figures come from outside.
/// </summary>
internal static partial class RetryHints
{
    internal static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan WithoutHint = TimeSpan.FromSeconds(20);
    private static readonly string[] Limits = ["requests", "tokens", "images"];

    internal static TimeSpan? RetryAfter(Func<string, string?> header, DateTimeOffset now)
    {
        if (Number(header("retry-after-ms")) is { } milliseconds)
            return Bounded(milliseconds / 1000);
        var text = header("retry-after");
        if (Number(text) is { } seconds)
            return Bounded(seconds);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? Bounded((at - now).TotalSeconds)
            : null;
    }

    /// <summary>The wait after a 429: what it says, else until the limits that are used up are full again, else a guess.</summary>
    internal static TimeSpan RateLimit(Func<string, string?> header, DateTimeOffset now)
    {
        if (RetryAfter(header, now) is { } said)
            return said;
        var resets = Limits
            .Where(limit => Number(header("x-ratelimit-remaining-" + limit)) is <= 0)
            .Select(limit => Duration(header("x-ratelimit-reset-" + limit)))
            .OfType<TimeSpan>()
            .ToList();
        return resets.Count > 0 ? Bounded(resets.Max().TotalSeconds) : WithoutHint;
    }

    internal static TimeSpan? Duration(string? text)
    {
        if (Number(text) is { } plain)
            return TimeSpan.FromSeconds(Math.Min(plain, Longest.TotalSeconds));
        if (text is null || Spelled().Match(text) is not { Success: true, Length: > 0 } match)
            return null;
        var seconds = (Part("h") * 3600) + (Part("m") * 60) + Part("s") + (Part("ms") / 1000);
        return TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds));

        double Part(string unit) => Number(match.Groups[unit].Value) ?? 0;
    }

    private static TimeSpan Bounded(double seconds) =>
        TimeSpan.FromSeconds(Math.Clamp(seconds, Shortest.TotalSeconds, Longest.TotalSeconds));

    private static double? Number(string? text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"^(?:(?<h>[\d.]+)h)?(?:(?<m>[\d.]+)m(?!s))?(?:(?<s>[\d.]+)s)?(?:(?<ms>[\d.]+)ms)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Spelled();
}
