using System.Security.Claims;
using System.Text.Encodings.Web;
using HomeStage.Gateway.Csrf;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.SignIn;

/// <summary>Options of one provider's scheme.</summary>
internal sealed class OidcOptions : OAuthOptions
{
    /// <summary>The provider behind the scheme.</summary>
    public Provider Provider { get; set; } = null!;

    public override void Validate()
    {
        // The endpoints come from the provider's description, when it is first needed.
        AuthorizationEndpoint ??= "about:blank";
        TokenEndpoint ??= "about:blank";
        base.Validate();
    }
}

/// <summary>
/// OpenID Connect over the framework's OAuth handler, which does code, PKCE, state and correlation: adds discovery, nonce, the check of the id
/// token, and the issuer of the answer (RFC 9207). Addresses are made of <c>PUBLIC_URL</c>, never of what a request says.
/// </summary>
internal sealed class OidcHandler(IOptionsMonitor<OidcOptions> options, ILoggerFactory loggers, UrlEncoder encoder, Origins origins)
    : OAuthHandler<OidcOptions>(options, loggers, encoder)
{
    private const string Nonce = "nonce";
    private const string BegunAt = "begun_at";
    private const int LongestSubject = 255;

    private string RedirectUri => new Uri(origins.PublicUrl, Options.Provider.Settings.CallbackPath).AbsoluteUri;

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        await DiscoverAsync();
        properties.Items[Nonce] = Base64UrlEncoder.Encode(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        properties.Items[BegunAt] = TimeProvider.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        await base.HandleChallengeAsync(properties);
    }

    protected override string BuildChallengeUrl(AuthenticationProperties properties, string redirectUri) => QueryHelpers.AddQueryString(
        base.BuildChallengeUrl(properties, RedirectUri), new Dictionary<string, string?> { [Nonce] = properties.Items[Nonce], ["response_mode"] = "query" });

    protected override async Task<HandleRequestResult> HandleRemoteAuthenticateAsync()
    {
        await DiscoverAsync();
        var description = await Options.Provider.DescriptionAsync(Context.RequestAborted);
        // Before anything is sent: an answer that came from another provider must not get this one's code.
        var issuer = Request.Query["iss"].ToString();
        if (issuer.Length == 0 ? description.AuthorizationResponseIssParameterSupported : !Issuers.Match(description.Issuer, issuer))
            return HandleRequestResult.Fail("The answer is of another issuer.");
        return await base.HandleRemoteAuthenticateAsync();
    }

    protected override Task<OAuthTokenResponse> ExchangeCodeAsync(OAuthCodeExchangeContext context) =>
        base.ExchangeCodeAsync(new OAuthCodeExchangeContext(context.Properties, context.Code, RedirectUri));

    protected override async Task<AuthenticationTicket> CreateTicketAsync(ClaimsIdentity identity, AuthenticationProperties properties, OAuthTokenResponse tokens)
    {
        var text = tokens.Response!.RootElement.TryGetProperty("id_token", out var found) ? found.GetString() : null;
        var header = text is null ? throw new AuthenticationFailureException("The provider gave no id token.") : new JsonWebToken(text);
        var checks = await Options.Provider.ChecksAsync(header.Kid, Context.RequestAborted);
        var token = await checks.ValidateAsync(text, Options.ClientId)
            ?? throw new AuthenticationFailureException("The id token is not valid.");
        // OpenID Connect Core 3.1.3.7: meant for us alone, and for this sign-in.
        if ((token.Audiences.Count() > 1 || token.Azp is { Length: > 0 }) && token.Azp != Options.ClientId)
            throw new AuthenticationFailureException("The id token was issued to somebody else.");
        if (!token.TryGetPayloadValue<string>(Nonce, out var nonce) || nonce != properties.Items[Nonce])
            throw new AuthenticationFailureException("The id token is of another sign-in.");
        if (token.Subject is not { Length: > 0 and <= LongestSubject })
            throw new AuthenticationFailureException("The id token names nobody.");
        if (!long.TryParse(properties.Items[BegunAt], out var begun) || TimeProvider.GetUtcNow().ToUnixTimeSeconds() - begun > Options.RemoteAuthenticationTimeout.TotalSeconds)
            throw new AuthenticationFailureException("The sign-in took too long.");
        identity.AddClaim(new Claim("iss", token.Issuer));
        identity.AddClaim(new Claim("sub", token.Subject));
        return new AuthenticationTicket(new ClaimsPrincipal(identity), properties, Scheme.Name);
    }

    // The same for every request, so it does not matter whose is set last.
    private async Task DiscoverAsync()
    {
        var description = await Options.Provider.DescriptionAsync(Context.RequestAborted);
        Options.AuthorizationEndpoint = description.AuthorizationEndpoint;
        Options.TokenEndpoint = description.TokenEndpoint;
    }
}
