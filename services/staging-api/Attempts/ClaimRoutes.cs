using HomeStage.Contracts;
using HomeStage.Hosting.Identity;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Staging.Attempts;

/// <summary>How a worker gets leave to spend money on a job, and keeps it. Every answer lets it acknowledge its message.</summary>
internal static class ClaimRoutes
{
    internal static void MapClaims(this WebApplication app)
    {
        var routes = app.MapGroup("/internal/jobs/{id:guid}").RequireCaller("staging-worker");
        routes.MapPost("/claim", ClaimAsync);
        routes.MapPost("/renew", RenewAsync);
    }

    private static async Task<Ok<ClaimAnswer>> ClaimAsync(Guid id, ClaimRequest request, JobWriter jobs, CancellationToken cancellationToken) =>
        Answer(await jobs.ApplyAsync(id, new JobCommand.Claim(request.ClaimId, request.Attempt), cancellationToken), unknown: "finished");

    private static async Task<Ok<ClaimAnswer>> RenewAsync(Guid id, ClaimRequest request, JobWriter jobs, CancellationToken cancellationToken) =>
        Answer(await jobs.ApplyAsync(id, new JobCommand.Renew(request.ClaimId), cancellationToken), unknown: "stop");

    private static Ok<ClaimAnswer> Answer(JobDecision? decision, string unknown) => TypedResults.Ok(new ClaimAnswer
    {
        Decision = decision?.Answer ?? unknown,
        LeaseSeconds = decision?.Answer == "go" ? (int)JobMachine.Lease.TotalSeconds : 0,
        VariationsMissing = decision?.Job.Missing ?? 0,
    });
}
