using System.Security.Claims;
using System.Text.Encodings.Web;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Hosting.Identity;

/// <summary>
/// Accepts internal tokens and nothing else: ES256 by a known caller's key, for this service, unexpired (skew 30 s).
/// The rules follow RFC 8725: the algorithm is fixed, the key belongs to the issuer, the audience is checked.
/// </summary>
internal sealed class InternalAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, IdentityKeys keys, ServiceAudience audience, TimeProvider time)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    internal const string SchemeName = "Internal";

    private static readonly JsonWebTokenHandler Handler = new() { MapInboundClaims = false };

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        const string prefix = "Bearer ";
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(prefix, StringComparison.Ordinal))
            return AuthenticateResult.NoResult();
        var text = header[prefix.Length..];
        if (!Handler.CanReadToken(text))
            return AuthenticateResult.Fail("not a token");

        JsonWebToken token;
        try
        {
            token = Handler.ReadJsonWebToken(text);
        }
        catch (Exception error) when (error is ArgumentException or SecurityTokenException)
        {
            return AuthenticateResult.Fail("not a token");
        }

        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuer = token.Issuer,
            ValidAudience = audience.Name,
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeys = keys.Of(token.Issuer),
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            LifetimeValidator = (notBefore, expires, _, _) =>
            {
                var now = time.GetUtcNow().UtcDateTime;
                return expires is { } end && now < end.AddSeconds(30) && (notBefore is not { } start || now >= start.AddSeconds(-30));
            },
        });
        return result.IsValid
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(result.ClaimsIdentity), SchemeName))
            : AuthenticateResult.Fail("not a valid internal token");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        Problem.Result(ProblemCode.Unauthenticated).ExecuteAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problem.Result(ProblemCode.Forbidden).ExecuteAsync(Context);
}

/// <summary>The name that tokens for this service carry as audience.</summary>
internal sealed record ServiceAudience(string Name);
