using System.Text.RegularExpressions;
using HomeStage.Hosting.Configuration;

namespace HomeStage.Gateway.SignIn;

/// <summary>An OpenID Connect provider, by configuration alone.</summary>
/// <param name="Id">Part of the callback's path, e.g. <c>google</c>.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Issuer">Below which <c>/.well-known/openid-configuration</c> is found.</param>
/// <param name="ClientId">Who we are there.</param>
/// <param name="ClientSecret">Proves it.</param>
/// <param name="Scopes">What a sign-in asks for.</param>
/// <param name="Audience">What an access token for our API names as its audience; null if the provider's tokens are not accepted.</param>
internal sealed partial record ProviderSettings(string Id, string Name, Uri Issuer, string ClientId, string ClientSecret, IReadOnlyList<string> Scopes, string? Audience)
{
    /// <summary>The paths that providers send people back to begin with it.</summary>
    internal const string Callbacks = "/auth/callback";

    /// <summary>Where the provider sends people back to.</summary>
    internal string CallbackPath => $"{Callbacks}/{Id}";

    /// <summary>
    /// Reads <c>SIGN_IN_PROVIDERS</c> (names, separated by commas) and for each name <c>SIGN_IN_NAME_ISSUER</c>, <c>…_CLIENT_ID</c>,
    /// <c>…_CLIENT_SECRET</c>, <c>…_LABEL</c>, <c>…_SCOPES</c> and <c>…_AUDIENCE</c>.
    /// </summary>
    internal static IReadOnlyList<ProviderSettings> Read(Settings settings)
    {
        var ids = settings.Optional("SIGN_IN_PROVIDERS")?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (ids.Any(id => !Plain().IsMatch(id)) || ids.Distinct(StringComparer.Ordinal).Count() < ids.Length)
            settings.Refuse("SIGN_IN_PROVIDERS", "must be different names of lower-case letters and digits, separated by commas, e.g. google,entra");
        return [.. ids.Where(id => Plain().IsMatch(id)).Select(id => Read(settings, id))];
    }

    private static ProviderSettings Read(Settings settings, string id)
    {
        var prefix = $"SIGN_IN_{id.ToUpperInvariant()}_";
        var issuer = settings.Url(prefix + "ISSUER", "the provider's issuer, e.g. https://accounts.google.com");
        if (issuer.Scheme != Uri.UriSchemeHttps && !issuer.IsLoopback)
            settings.Refuse(prefix + "ISSUER", "must be https: whoever could change what it answers could sign in as anybody");
        var clientId = settings.Required(prefix + "CLIENT_ID", "the client id that the provider gave");
        var audience = settings.Optional(prefix + "AUDIENCE");
        if (audience == clientId)
            settings.Refuse(prefix + "AUDIENCE", "must not be the client id: that is the audience of id tokens, which must never open the API");
        var scopes = (settings.Optional(prefix + "SCOPES") ?? "openid").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!scopes.Contains("openid"))
            settings.Refuse(prefix + "SCOPES", "must contain openid");
        return new(id, settings.Optional(prefix + "LABEL") ?? id, issuer, clientId, settings.Secret(prefix + "CLIENT_SECRET", "the client secret that the provider gave", 16), scopes, audience);
    }

    [GeneratedRegex("^[a-z0-9]{1,20}$", RegexOptions.ExplicitCapture, 100)]
    private static partial Regex Plain();
}
