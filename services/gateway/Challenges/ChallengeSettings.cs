using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.Challenges;

/// <summary>A service that tells people from programs, by configuration alone.</summary>
/// <param name="Provider"><c>turnstile</c>, <c>hcaptcha</c> or <c>recaptcha</c>.</param>
/// <param name="SiteKey">Names us to the browser's part of it; public.</param>
/// <param name="Secret">Names us to <c>siteverify</c>.</param>
/// <param name="VerifyUrl">Where answers are verified.</param>
/// <param name="Host">The name that people know us by: an answer given under another is none.</param>
internal sealed record ChallengeSettings(string Provider, string SiteKey, string Secret, Uri VerifyUrl, string Host)
{
    // Cloudflare, hCaptcha and Google document the same form and the same answer for all three.
    private static readonly Dictionary<string, Vendor> Vendors = new(StringComparer.Ordinal)
    {
        ["turnstile"] = new("https://challenges.cloudflare.com/turnstile/v0/siteverify", "https://challenges.cloudflare.com"),
        ["hcaptcha"] = new("https://api.hcaptcha.com/siteverify", "https://hcaptcha.com https://*.hcaptcha.com"),
        ["recaptcha"] = new("https://www.google.com/recaptcha/api/siteverify", "https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/"),
    };

    /// <summary>What our pages must be allowed to load for it, as sources of a content security policy.</summary>
    internal string PageSources => Vendors[Provider].PageSources;

    /// <summary>
    /// Reads <c>CHALLENGE_PROVIDER</c>, and with it <c>CHALLENGE_SITE_KEY</c>, <c>CHALLENGE_SECRET</c> and <c>CHALLENGE_VERIFY_URL</c>; null
    /// where there is none.
    /// </summary>
    /// <param name="settings">The gateway's settings.</param>
    /// <param name="host">The name that people know us by.</param>
    internal static ChallengeSettings? Read(Settings settings, string host)
    {
        if (settings.Optional("CHALLENGE_PROVIDER") is not { } provider)
            return null;
        if (!Vendors.TryGetValue(provider, out var vendor))
        {
            settings.Refuse("CHALLENGE_PROVIDER", $"must be one of {string.Join(", ", Vendors.Keys)}");
            return null;
        }

        var siteKey = settings.Required("CHALLENGE_SITE_KEY", "the public key that the provider gave");
        var secret = settings.Secret("CHALLENGE_SECRET", "the secret that the provider gave", 16);
        var url = settings.Url("CHALLENGE_VERIFY_URL", "where answers are verified", vendor.VerifyUrl);
        if (url.Scheme != Uri.UriSchemeHttps && !url.IsLoopback)
            settings.Refuse("CHALLENGE_VERIFY_URL", "must be https: whoever could change what it answers could pass for a person");
        return new(provider, siteKey, secret, url, host);
    }

    private sealed record Vendor(string VerifyUrl, string PageSources);
}
