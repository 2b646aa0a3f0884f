using System.Text.Encodings.Web;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace HomeStage.Hosting.Identity;

/// <summary>Accepts internal tokens and nothing else.</summary>
internal sealed class InternalAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, InternalTokenValidator tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    internal const string SchemeName = "Internal";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        const string prefix = "Bearer ";
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(prefix, StringComparison.Ordinal))
            return AuthenticateResult.NoResult();
        return await tokens.ValidateAsync(header[prefix.Length..]) is { } principal
            ? AuthenticateResult.Success(new AuthenticationTicket(principal, SchemeName))
            : AuthenticateResult.Fail("not a valid internal token");
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) =>
        Problem.Result(ProblemCode.Unauthenticated).ExecuteAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problem.Result(ProblemCode.Forbidden).ExecuteAsync(Context);
}

/// <summary>The name that tokens for this service carry as audience.</summary>
internal sealed record ServiceAudience(string Name);
