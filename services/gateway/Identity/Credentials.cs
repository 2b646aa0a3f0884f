using HomeStage.Gateway.ApiKeys;
using HomeStage.Gateway.Bearer;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Identity;

/// <summary>Who a program is by its <c>Authorization</c> header: an API key, or an access token of a provider.</summary>
internal sealed class Credentials(ApiKeyResolver keys, BearerTokens tokens, SecurityEvents events)
{
    private const string Scheme = "Bearer ";
    private const int Longest = 8_000;

    /// <summary>The program, or the answer to refuse it with: 401 where the credential is no good, 503 where that cannot be found out.</summary>
    public async ValueTask<(ProgramCaller? Program, ProblemHttpResult? Refusal)> IdentifyAsync(HttpContext context)
    {
        var header = context.Request.Headers.Authorization;
        if (header is not [{ Length: <= Longest } text] || !text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            return (null, Refuse(context, "malformed"));
        var credential = text[Scheme.Length..].Trim();
        var (program, failure) = ApiKeyText.IsMeant(credential)
            ? await keys.ResolveAsync(credential, ClientAddress.Of(context).Hash)
            : await tokens.ValidateAsync(credential, context.RequestAborted);
        return failure switch
        {
            null => (program, null),
            CredentialFailure.Unavailable => (null, Problem.Result(ProblemCode.IdentityUnavailable, "Nothing was done. Try again in a few seconds.")),
            CredentialFailure.TooManyMisses => (null, TooMany(context)),
            _ => (null, Refuse(context, ApiKeyText.IsMeant(credential) ? "api_key" : "bearer")),
        };
    }

    private ProblemHttpResult Refuse(HttpContext context, string reason)
    {
        events.CredentialRejected(context, reason);
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
        return Problem.Result(ProblemCode.Unauthenticated, "The Authorization header identifies nobody. Send a valid one, or none.");
    }

    private ProblemHttpResult TooMany(HttpContext context)
    {
        events.CredentialRejected(context, "too_many_misses");
        context.Response.Headers.RetryAfter = ApiKeyResolver.MissWindow.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Problem.Result(ProblemCode.RateLimited, "Too many unknown keys were sent from your network. Wait a minute.");
    }
}

/// <summary>Why a credential identifies nobody.</summary>
internal enum CredentialFailure
{
    /// <summary>It is no good: unknown, expired, revoked, forged, or meant for something else.</summary>
    Invalid,

    /// <summary>Who could tell does not answer.</summary>
    Unavailable,

    /// <summary>Too many unknown keys came from this address.</summary>
    TooManyMisses,
}
