using System.ComponentModel.DataAnnotations;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Telemetry;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Disclosures;
using HomeStage.Staging.Photos;
using HomeStage.Staging.Retention;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Stagings;

/// <summary>Submit, list, get, cancel and delete stagings. Every query names the owner; another's job is not found.</summary>
internal static class StagingRoutes
{
    internal static readonly ProblemCode[] SubmissionRefusals =
    [
        ProblemCode.ValidationFailed, ProblemCode.PromptTooLong, ProblemCode.OptionNotSupported, ProblemCode.NotFound, ProblemCode.PayloadTooLarge, ProblemCode.UnsupportedMediaType,
        ProblemCode.InsufficientCredits, ProblemCode.FreeExhausted, ProblemCode.FreeBlocked, ProblemCode.KeyCapReached, ProblemCode.AccountFrozen,
        ProblemCode.KeyEnded, ProblemCode.UsageUnavailable, ProblemCode.Unavailable,
    ];

    internal static void AddStagings(this ServiceBuilder service)
    {
        var entitlements = service.Settings.Urls("ENTITLEMENTS_URL", "the addresses of entitlements, e.g. http://127.0.0.1:5002");
        service.AddInternalClient<EntitlementsClient>("entitlements", entitlements, EntitlementsClient.Limit);
        service.Services.AddScoped<Submission>();
        service.Services.AddSingleton<JobIntake>();
        service.Services.AddSingleton<Cancellation>();
        service.Services.AddSingleton<RequestKeys>();
        service.Services.AddSingleton<Durations>();
        service.Services.AddSingleton<StagingViews>();
        service.AddMetrics<StagingMetrics>();
        service.Map(app =>
        {
            var routes = app.MapGroup("/api/v1/stagings").RequireCaller("gateway").Refuses(ProblemCode.Unauthenticated);
            routes.MapPost("", SubmitAsync).WithMetadata(new RequestSizeLimitAttribute(PhotoRoutes.MaxRequestBytes))
                .AddEndpointFilter<NothingBilledFilter>().AddEndpointFilter<UploadRoomFilter>()
                .Describe(
                    "Stagings", "submitStaging", "Have a room furnished",
                    "Holds what it costs and answers at once; the pictures come in a minute or two. Follow `urls.events`, or ask for `urls.self` each `pollAfterSeconds`. "
                    + "Send a photo that was uploaded as JSON, or the photo itself as `multipart/form-data` with the same fields. A staging that fails costs nothing.")
                .Says(StagingForm.Describe)
                .AnswersHeader(202, "Location", "The staging.")
                .TakesIdempotencyKey()
                .Refuses([.. SubmissionRefusals, ProblemCode.ImageRejected, ProblemCode.PhotoUnknown]);
            routes.MapPost("/{id:guid}/regenerate", RegenerateAsync).AddEndpointFilter<NothingBilledFilter>()
                .Describe(
                    "Stagings", "regenerateStaging", "Have the same photo furnished again",
                    "A new staging of an earlier one's photo, without another upload. What the body says is changed, the rest is as it was; `null` takes a choice back. "
                    + "It is held, made and charged like any other. Where the earlier one was deleted, its photo is gone: `photo_gone`.")
                .Explains("id", "The earlier staging.")
                .Says(StagingForm.DescribeChange)
                .AnswersHeader(202, "Location", "The new staging.")
                .TakesIdempotencyKey()
                .Refuses([.. SubmissionRefusals, ProblemCode.PhotoGone]);
            routes.MapGet("", ListAsync).Describe("Stagings", "listStagings", "The account's stagings, the newest first").Paged();
            routes.MapGet("/{id:guid}", GetAsync).Describe("Stagings", "getStaging", "A staging as it is now").Explains("id", "The staging.").Refuses(ProblemCode.NotFound);
            routes.MapPost("/{id:guid}/cancel", CancelAsync)
                .Describe(
                    "Stagings", "cancelStaging", "Cancel a staging",
                    "Says what became of it. Pictures that had arrived stay and are charged, the rest is given back. Cancels after the work began are `too_late` beyond ten a day.")
                .Explains("id", "The staging.")
                .Refuses(ProblemCode.NotFound);
            routes.MapDelete("/{id:guid}", DeleteAsync)
                .Describe(
                    "Stagings", "deleteStaging", "Delete a staging that has ended, with its photo and pictures",
                    "To delete it again is harmless. While a published page shows one of its pictures, that is `disclosed` unless `withdraw` says that the page goes as well.")
                .Explains("id", "The staging.")
                .Explains("withdraw", "Whether published pages of its pictures go as well; their links are dead then.")
                .Refuses(ProblemCode.NotFound, ProblemCode.Conflict, ProblemCode.Disclosed);
            routes.MapImages();
        });
    }

    /// <summary>A job of this owner that was not deleted.</summary>
    internal static IQueryable<Job> Of(this DbSet<Job> jobs, Owner owner) =>
        jobs.AsNoTracking().Where(job => owner.Accounts.Contains(job.AccountId) && job.DeletedAt == null);

    private static async Task<Accepted<StagingView>> SubmitAsync(
        Owner owner, IdempotencyKey key, HttpRequest request, Submission submission, StagingViews views, CancellationToken cancellationToken)
    {
        var job = await submission.SubmitAsync(owner, key, await StagingRequest.ReadAsync(request, cancellationToken), cancellationToken);
        return TypedResults.Accepted(StagingViews.Url(job), await views.OfAsync(job, cancellationToken));
    }

    private static async Task<Results<Accepted<StagingView>, ProblemHttpResult>> RegenerateAsync(
        Guid id, Owner owner, IdempotencyKey key, HttpRequest request, IDbContextFactory<StagingDb> databases, Submission submission, StagingViews views, CancellationToken cancellationToken)
    {
        if (await FindDeletedTooAsync(databases, owner, id, cancellationToken) is not { } earlier)
            return Problem.Result(ProblemCode.NotFound);
        var job = await submission.SubmitAsync(owner, key, await StagingRequest.ReadChangeAsync(request, earlier, cancellationToken), cancellationToken);
        return TypedResults.Accepted(StagingViews.Url(job), await views.OfAsync(job, cancellationToken));
    }

    private static async Task<Job?> FindDeletedTooAsync(IDbContextFactory<StagingDb> databases, Owner owner, Guid id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Jobs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id && owner.Accounts.Contains(row.AccountId), cancellationToken);
    }

    private static async Task<Ok<Page<StagingView>>> ListAsync(
        Owner owner, int? limit, string? cursor, IDbContextFactory<StagingDb> databases, StagingViews views, CancellationToken cancellationToken)
    {
        var count = PageRequest.Limit(limit);
        var after = PageRequest.PositionAsId(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Jobs.Of(owner).Where(job => after == null || job.Id.CompareTo(after.Value) < 0)
            .OrderByDescending(job => job.Id).Take(count + 1).ToListAsync(cancellationToken);
        var items = new Dictionary<Guid, StagingView>();
        foreach (var job in rows)
            items[job.Id] = await views.OfAsync(job, cancellationToken);
        return TypedResults.Ok(PageRequest.Page(rows, count, job => job.Id, job => items[job.Id]));
    }

    private static async Task<Results<Ok<StagingView>, ProblemHttpResult>> GetAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, StagingViews views, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Jobs.Of(owner).SingleOrDefaultAsync(job => job.Id == id, cancellationToken) is { } job
            ? TypedResults.Ok(await views.OfAsync(job, cancellationToken))
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<Ok<CancelView>, ProblemHttpResult>> CancelAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, Cancellation cancellation, StagingViews views, CancellationToken cancellationToken)
    {
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (!await db.Jobs.Of(owner).AnyAsync(job => job.Id == id, cancellationToken))
                return Problem.Result(ProblemCode.NotFound);
        }

        var decision = (await cancellation.CancelAsync(owner, [id], cancellationToken))[0];
        return TypedResults.Ok(new CancelView(decision.Answer, await views.OfAsync(decision.Job, cancellationToken)));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, bool? withdraw, Owner owner, IDbContextFactory<StagingDb> databases, DisclosureStore disclosures, Deletion deletion, CancellationToken cancellationToken)
    {
        // To delete it once more is harmless.
        if (await FindDeletedTooAsync(databases, owner, id, cancellationToken) is not { } job)
            return Problem.Result(ProblemCode.NotFound);
        if (!job.IsTerminal)
            return Problem.Result(ProblemCode.Conflict, "A staging that is under way cannot be deleted. Cancel it first.");
        if (withdraw != true && await disclosures.AnyAsync(id, cancellationToken))
            return Problem.Result(ProblemCode.Disclosed, "A published page shows a picture of this staging. Delete with ?withdraw=true if its link may be dead from then on.");
        await deletion.DeleteAsync(job, cancellationToken);
        return TypedResults.NoContent();
    }

    /// <summary>What became of a cancellation.</summary>
    /// <param name="Result"><c>canceled</c> or <c>too_late</c>.</param>
    /// <param name="Staging">As it is now.</param>
    private sealed record CancelView([property: AllowedValues("canceled", "too_late")] string Result, StagingView Staging);
}
