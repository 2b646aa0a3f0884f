using System.Text.Json;
using HomeStage.Catalog;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace HomeStage.Staging.Stagings;

/// <summary>What clients are told when entitlements holds nothing.</summary>
internal static class HoldRefusals
{
    private static readonly ProblemCode[] Known =
        [ProblemCode.InsufficientCredits, ProblemCode.FreeExhausted, ProblemCode.FreeBlocked, ProblemCode.AccountFrozen, ProblemCode.KeyCapReached, ProblemCode.KeyEnded];

    internal static string CodeOf(ProblemHttpResult problem) => problem.ProblemDetails.Extensions["code"] as string ?? "";

    /// <summary>The refusal of entitlements; or, where it might have been free for a person, that one is to show to be one.</summary>
    internal static ProblemHttpResult AnswerOf(ProblemDetails problem, Owner owner, string quality) =>
        owner.Unproven && MayBeFree(quality, problem) ? WantProof() : PassOn(problem);

    internal static ProblemException Unknown() => new(Problem.Result(
        ProblemCode.UsageUnavailable, "The balance cannot be checked right now, so nothing was staged and nothing will be charged. Try again in a minute."));

    /// <summary>The refusal in its own members, without its trace.</summary>
    private static ProblemHttpResult PassOn(ProblemDetails problem)
    {
        var code = Known.FirstOrDefault(known => known.Code == HoldOutcome.CodeOf(problem)) ?? ProblemCode.InsufficientCredits;
        // The job that a refused list names is one that its owner never learns of.
        (string, object?)[] members = [.. problem.Extensions.Where(member => member.Key is not ("code" or "retryable" or "traceId" or "jobId")).Select(member => (member.Key, member.Value))];
        return Problem.Result(code, problem.Detail, members);
    }

    /// <summary>Whether the free allowance might have paid: whoever asks is told the rest once it is known that they are a person.</summary>
    private static bool MayBeFree(string quality, ProblemDetails problem) =>
        Catalogue.FindQuality(quality) is { CanBeFree: true } && HoldOutcome.CodeOf(problem) == ProblemCode.InsufficientCredits.Code
        && problem.Extensions.TryGetValue("available", out var available) && available is JsonElement { ValueKind: JsonValueKind.Number } left && left.GetInt32() == 0;

    private static ProblemHttpResult WantProof() => Problem.Result(
        ProblemCode.ChallengeRequired, "You have no credits, and what is free is for people. Solve the challenge, and send its answer in the header Challenge-Response with a new Idempotency-Key.");
}
