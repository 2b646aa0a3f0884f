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
        Guid jobId, HoldRequest request, Ledger ledger, CancellationToken cancellationToken)
    {
        if (Validate(request) is { } invalid)
            return invalid;
        var answer = await ledger.TakeHoldAsync(jobId, request, cancellationToken);
        return answer.Result switch
        {
            "taken" => TypedResults.Ok(new HoldTaken { JobId = jobId, Credits = answer.Credits, Free = answer.Free }),
            "insufficient" => Unpaid(ProblemCode.InsufficientCredits, WhyInsufficient(request, answer), request, answer),
            "free_exhausted" => Unpaid(ProblemCode.FreeExhausted, "The free stagings are used up for now. Buy credits, or come back later.", request, answer),
            "different" => Problem.Result(ProblemCode.Conflict, "The job has a hold for another account or with other figures."),
            "settled" => Problem.Result(ProblemCode.Conflict, "The job was settled already; it can hold nothing any more."),
            _ => throw new UnreachableException($"take_hold answered {answer.Result}."),
        };
    }

    private static string WhyInsufficient(HoldRequest request, HoldAnswer answer) =>
        answer.FreeIfDraft
            ? $"This costs {CreditWords.Count(request.Credits)} and you have none. As a draft it would be free."
            : $"This costs {CreditWords.Count(request.Credits)} and you have {answer.Available}. Buy credits, or ask for less.";

    private static ProblemHttpResult Unpaid(ProblemCode code, string detail, HoldRequest request, HoldAnswer answer) => Problem.Result(
        code,
        detail,
        ("needed", request.Credits),
        ("available", answer.Available),
        ("freeLeft", answer.FreeLeft),
        ("freeIfDraft", answer.FreeIfDraft));

    private static ProblemHttpResult? Validate(HoldRequest request)
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
