using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Entitlements.Credits;

/// <summary><c>PUT /internal/holds</c>: staging-api claims what the jobs of a listing cost, in one step.</summary>
internal static class HoldLists
{
    private const int MostJobs = 100;

    internal static void AddHoldLists(this ServiceBuilder service) =>
        service.Map(app => app.MapPut("/internal/holds", PutAsync)
            .RequireCaller("staging-api")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Results<Ok<HoldListTaken>, ProblemHttpResult>> PutAsync(
        HoldListRequest request, Ledger ledger, CancellationToken cancellationToken)
    {
        if (Validate(request) is { } invalid)
            return invalid;
        var answers = await ledger.TakeHoldsAsync(request, cancellationToken);
        if (request.AllOrNone && answers is [{ Result: not "taken" } refused])
        {
            var needed = request.Holds.Sum(hold => hold.Credits);
            return Holds.Refusal(
                new HoldAnswer(refused.Result, 0, false, refused.Available, refused.FreeLeft, refused.FreeIfDraft, false, 0), needed, ("jobId", refused.JobId));
        }

        return TypedResults.Ok(new HoldListTaken
        {
            Holds = [.. answers.Select(answer => new ListedHoldTaken
            {
                JobId = answer.JobId,
                Refusal = answer.Result == "taken" ? null : Holds.CodeOf(answer.Result).Code,
                Credits = answer.Result == "taken" ? answer.Credits : 0,
                Free = answer.Result == "taken" && answer.Free,
            })],
        });
    }

    private static ProblemHttpResult? Validate(HoldListRequest request)
    {
        if (request.Holds.Count is < 1 or > MostJobs)
            return Problem.Invalid("holds", $"Name 1 to {MostJobs} jobs.");
        if (request.Holds.DistinctBy(hold => hold.JobId).Count() < request.Holds.Count)
            return Problem.Invalid("holds", "Name each job once.");
        return request.Holds
            .Select(hold => Holds.Validate(new HoldRequest
            {
                AccountId = request.AccountId,
                Credits = hold.Credits,
                Variations = hold.Variations,
                Quality = hold.Quality,
                AddressHash = request.AddressHash,
            }))
            .FirstOrDefault(problem => problem is not null);
    }
}
