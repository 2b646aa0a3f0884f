using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Challenges;

/// <summary>Where a route wants to know that a person asks; said in its metadata.</summary>
internal enum ChallengeRule
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>The service is told, and decides: what is paid for needs no proof, what is free does.</summary>
    Told,

    /// <summary>Without a proof the request is refused.</summary>
    Required,
}

/// <summary>
/// Wants a proof from browsers that a person is there, in the header <c>Challenge-Response</c>, on checkout and for what is free. Programs
/// with a key or token have neither. Only where a provider is configured; a provider that is away proves nothing.
/// </summary>
internal sealed class Challenge(ChallengeSettings? settings, SecurityEvents events)
{
    /// <summary>The header that carries the answer which the provider's script gave to the page.</summary>
    internal const string Header = "Challenge-Response";

    // The longest that the three document is 2,048.
    private const int LongestAnswer = 4096;

    private static readonly ProblemCode Failed = new("challenge_failed", StatusCodes.Status403Forbidden, "The challenge was not passed", Retryable: true);
    private static readonly ProblemCode Unavailable = new("challenge_unavailable", StatusCodes.Status503ServiceUnavailable, "The challenge cannot be checked right now", Retryable: true);

    /// <summary>How it refuses.</summary>
    internal static readonly ProblemCode[] Refusals = [ProblemCode.ChallengeRequired, Failed, Unavailable];

    /// <summary>What a page needs to put the challenge; null where there is none.</summary>
    internal ChallengeOffer? Offer => settings is null ? null : new(settings.Provider, settings.SiteKey);

    /// <summary>Looks at a request of a browser.</summary>
    /// <returns>Whether a person has still to be proven; and the refusal, if that is the end of it.</returns>
    internal async ValueTask<(bool Unproven, ProblemHttpResult? Refusal)> CheckAsync(HttpContext context, ChallengeRule rule)
    {
        if (settings is null || rule == ChallengeRule.None)
            return default;
        var answer = context.Request.Headers[Header].ToString();
        if (answer.Length == 0)
        {
            return rule == ChallengeRule.Required
                ? (true, Problem.Result(ProblemCode.ChallengeRequired, "Solve the challenge and send its answer in the header Challenge-Response."))
                : (true, null);
        }

        var proof = answer.Length > LongestAnswer
            ? Proof.Failed
            : await context.RequestServices.GetRequiredService<ChallengeVerifier>().VerifyAsync(answer, context.RequestAborted);
        if (proof == Proof.Passed)
            return default;
        events.ChallengeFailed(context, proof.ToString().ToLowerInvariant());
        return proof == Proof.Failed
            ? (true, Problem.Result(Failed, "An answer is good once, for a few minutes and on our page only. Solve a new challenge."))
            : (true, Problem.Result(Unavailable, "Nothing was done. Try again in a minute."));
    }
}

/// <summary>What a page needs to put a challenge to a person.</summary>
/// <param name="Provider"><c>turnstile</c>, <c>hcaptcha</c> or <c>recaptcha</c>.</param>
/// <param name="SiteKey">Names us to it.</param>
internal sealed record ChallengeOffer(string Provider, string SiteKey);
