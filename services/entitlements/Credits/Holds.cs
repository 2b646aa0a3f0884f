using System.Diagnostics;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Entitlements.Credits;

/// <summary><c>PUT /internal/holds/{jobId}</c>: staging-api claims what a job costs before it queues it.</summary>
internal static class Holds
{
    private const int MostCredits = 1_000;
    private const int MostVariations = 100;

    internal static void AddHolds(this ServiceBuilder service) =>
        service.Map(app => app.MapPut("/internal/holds/{jobId:guid}", PutAsync)
            .RequireCaller("staging-api")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Results<Ok<HoldTaken>, ProblemHttpResult>> PutAsync(
        Guid jobId, HoldRequest request, HoldQueue holds, CancellationToken cancellationToken)
    {
        if (Validate(request) is { } invalid)
            return invalid;
        var answer = await holds.TakeAsync(jobId, request, cancellationToken);
        return answer.Result == "taken"
            ? TypedResults.Ok(new HoldTaken { JobId = jobId, Credits = answer.Credits, Free = answer.Free })
            : Refusal(answer, request.Credits);
    }

    /// <summary>The code that a refusal of <c>take_hold</c> has for clients.</summary>
    internal static ProblemCode CodeOf(string result) => result switch
    {
        "insufficient" => ProblemCode.InsufficientCredits,
        "free_exhausted" => ProblemCode.FreeExhausted,
        "free_blocked" => ProblemCode.FreeBlocked,
        "account_frozen" => ProblemCode.AccountFrozen,
        "key_cap_reached" => ProblemCode.KeyCapReached,
        "key_ended" => ProblemCode.KeyEnded,
        "different" or "settled" => ProblemCode.Conflict,
        _ => throw new UnreachableException($"take_hold answered {result}."),
    };

    internal static ProblemHttpResult Refusal(HoldAnswer answer, int needed, params ReadOnlySpan<(string Name, object? Value)> more)
    {
        var code = CodeOf(answer.Result);
        if (code == ProblemCode.Conflict)
            return Problem.Result(code, WhyConflict(answer), more);
        return Problem.Result(
            code,
            WhyUnpaid(answer, needed),
            [("needed", needed), ("available", answer.Available), ("freeLeft", answer.FreeLeft), ("freeIfDraft", answer.FreeIfDraft), .. more]);
    }

    private static string WhyConflict(HoldAnswer answer) => answer.Result == "settled"
        ? "The job was settled already; it can hold nothing any more."
        : "The job has a hold for another account or with other figures.";

    private static string WhyUnpaid(HoldAnswer answer, int needed) => answer.Result switch
    {
        "free_exhausted" => "The free stagings are used up for now. Buy credits, or come back later.",
        "account_frozen" => "Your account is on hold, and nothing of it is lost meanwhile. Write to support to learn why.",
        "key_cap_reached" => $"This costs {CreditWords.Count(needed)}, which is more than this key may still use this month (UTC). Its owner can make another key.",
        "key_ended" => "The key was revoked or has expired.",
        "free_blocked" => "Free stagings are not available from your network. Buy credits to go on.",
        _ when answer.FreeIfDraft => $"This costs {CreditWords.Count(needed)} and you have none. In draft quality it would be free.",
        _ => $"This costs {CreditWords.Count(needed)} and you have {answer.Available}. Buy credits, or ask for less.",
    };

    internal static ProblemHttpResult? Validate(HoldRequest request)
    {
        if (request.AccountId == Guid.Empty)
            return Problem.Invalid("accountId", "Name an account.");
        if (request.Credits is < 1 or > MostCredits)
            return Problem.Invalid("credits", $"Use a number from 1 to {MostCredits}.");
        if (request.Variations is < 1 or > MostVariations)
            return Problem.Invalid("variations", $"Use a number from 1 to {MostVariations}.");
        if (request.Quality is not ("draft" or "standard" or "high"))
            return Problem.Invalid("quality", "Use draft, standard or high.");
        return request.AddressHash is "" ? Problem.Invalid("addressHash", "Leave it out, or give a hash.") : null;
    }
}
