using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Disclosures;
using HomeStage.Staging.Events;
using HomeStage.Staging.Retention;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Listings;

/// <summary>Submit, list, get, follow, fetch, cancel and delete listings. Every query names the owner; another's listing is not found.</summary>
internal static class ListingRoutes
{
    private const string Tag = "Listings";

    internal static readonly (string, string, Type) EndedEvent = (ListingProgress.EndedEvent, "All stagings of a listing have ended.", typeof(ListingEndedView));

    internal static void AddListings(this ServiceBuilder service)
    {
        service.Services.AddScoped<ListingSubmission>();
        service.Services.AddSingleton<ListingViews>();
        service.Map(app =>
        {
            var routes = app.MapGroup("/api/v1/listings").RequireCaller("gateway").Refuses(ProblemCode.Unauthenticated);
            routes.MapPost("", SubmitAsync).AddEndpointFilter<NothingBilledFilter>()
                .Describe(
                    Tag, "submitListing", "Have several photos of one home furnished alike",
                    "Up to 50 photos in one style, each a staging of its own. What they cost is held in one step: for all of them or for none, or for as many as the credits allow. "
                    + "The first picture is made ahead of the others and shown to the image model with them, so that all rooms look as if one hand had furnished them. What fails costs nothing and leaves the others alone.")
                .Says(ListingForm.Describe)
                .AnswersHeader(202, "Location", "The listing.")
                .TakesIdempotencyKey()
                .Refuses(
                    [
                        .. StagingRoutes.SubmissionRefusals, ProblemCode.ListingEmpty, ProblemCode.ListingTooLong, ProblemCode.ListingUnreadable, ProblemCode.PhotoRepeated,
                        ProblemCode.PhotoUnknown, ProblemCode.PhotoGone,
                    ]);
            routes.MapGet("", ListAsync).Describe(Tag, "listListings", "The account's listings, the newest first", "Without their `items`.").Paged();
            routes.MapGet("/{id:guid}", GetAsync).Describe(Tag, "getListing", "A listing as it is now").OfListing();
            routes.MapGet("/{id:guid}/events", FollowAsync)
                .Describe(
                    "Events", "followListing", "The events of a listing, live",
                    EventRoutes.Resuming + " A photo that is not staged is told as `failed`. The stream ends after `listing_ended`; to connect again with its id is answered 204.")
                .OfListing()
                .ExplainsResumption()
                .AnswersEvents(
                    "The stream.",
                    [("snapshot", "The listing as it is now; its `id` is that of the last event that it includes.", typeof(ListingView)), .. EventRoutes.OfJobs, EndedEvent, EventRoutes.Ping])
                .Says(operation => operation["responses"]!["204"]!["description"] = "The listing has ended, and its last event was received.");
            routes.MapGet("/{id:guid}/results.zip", ResultsAsync)
                .Describe(
                    Tag, "getListingResults", "All pictures of a listing",
                    "A zip archive with each picture that is there, clean and labelled; of free stagings there is no clean one. There is none before the first picture.")
                .OfListing()
                .Says(operation => operation["responses"]!["200"] = new JsonObject
                {
                    ["description"] = "The archive.",
                    ["content"] = new JsonObject { ["application/zip"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string", ["contentMediaType"] = "application/zip" } } },
                });
            routes.MapPost("/{id:guid}/cancel", CancelAsync)
                .Describe(
                    Tag, "cancelListing", "Cancel what has not ended of a listing",
                    "Says what became of it. Pictures that had arrived stay and are charged, the rest is given back. Cancels after the work began are too late beyond ten stagings a day.")
                .OfListing();
            routes.MapDelete("/{id:guid}", DeleteAsync)
                .Describe(
                    Tag, "deleteListing", "Delete a listing that has ended, with all of its stagings",
                    "To delete it again is harmless. While a published page shows one of its pictures, that is `disclosed` unless `withdraw` says that the page goes as well.")
                .OfListing()
                .Explains("withdraw", "Whether published pages of its pictures go as well; their links are dead then.")
                .Refuses(ProblemCode.Conflict, ProblemCode.Disclosed);
        });
    }

    private static RouteHandlerBuilder OfListing(this RouteHandlerBuilder route) => route.Explains("id", "The listing.").Refuses(ProblemCode.NotFound);

    private static async Task<Accepted<ListingView>> SubmitAsync(
        Owner owner, IdempotencyKey key, HttpRequest request, ListingSubmission submission, IDbContextFactory<StagingDb> databases, ListingViews views, CancellationToken cancellationToken)
    {
        var listing = await submission.SubmitAsync(owner, key, await ListingRequest.ReadAsync(request, cancellationToken), cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return TypedResults.Accepted(ListingViews.Url(listing.Id), await ViewAsync(db, listing, views, cancellationToken));
    }

    private static async Task<Ok<Page<ListingView>>> ListAsync(
        Owner owner, int? limit, string? cursor, IDbContextFactory<StagingDb> databases, ListingViews views, CancellationToken cancellationToken)
    {
        var count = PageRequest.Limit(limit);
        var after = PageRequest.PositionAsId(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Listings.Of(owner).Where(listing => after == null || listing.Id.CompareTo(after.Value) < 0)
            .OrderByDescending(listing => listing.Id).Take(count + 1).ToListAsync(cancellationToken);
        var ids = rows.ConvertAll(listing => (Guid?)listing.Id);
        var jobs = (await db.Jobs.AsNoTracking().Where(job => ids.Contains(job.ListingId)).OrderBy(job => job.ListingN).ToListAsync(cancellationToken)).ToLookup(job => job.ListingId);
        var items = new Dictionary<Guid, ListingView>();
        foreach (var listing in rows)
            items[listing.Id] = await views.OfAsync(listing, [.. jobs[listing.Id]], withItems: false, cancellationToken);
        return TypedResults.Ok(PageRequest.Page(rows, count, listing => listing.Id, listing => items[listing.Id]));
    }

    private static async Task<Results<Ok<ListingView>, ProblemHttpResult>> GetAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, ListingViews views, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Listings.Of(owner).SingleOrDefaultAsync(listing => listing.Id == id, cancellationToken) is { } listing
            ? TypedResults.Ok(await ViewAsync(db, listing, views, cancellationToken))
            : Problem.Result(ProblemCode.NotFound);
    }

    private static async Task<Results<ServerSentEventsResult<string>, NoContent, ProblemHttpResult>> FollowAsync(
        Guid id,
        Owner owner,
        [FromHeader(Name = "Last-Event-ID")] string? reconnectedAfter,
        string? lastEventId,
        IDbContextFactory<StagingDb> databases,
        ListingViews views,
        EventStream stream,
        HttpContext context)
    {
        await using (var db = await databases.CreateDbContextAsync(context.RequestAborted))
        {
            if (!await db.Listings.Of(owner).AnyAsync(listing => listing.Id == id, context.RequestAborted))
                return Problem.Result(ProblemCode.NotFound);
        }

        return await EventRoutes.OpenAsync(new ListingFeed(databases, views, id), reconnectedAfter ?? lastEventId, stream, context);
    }

    private static async Task<Results<PushStreamHttpResult, ProblemHttpResult>> ResultsAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, IBlobStore blobs, HttpContext context, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Listings.Of(owner).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } listing)
            return Problem.Result(ProblemCode.NotFound);
        var jobs = await db.Jobs.AsNoTracking().Where(job => job.ListingId == id && job.DeletedAt == null).OrderBy(job => job.ListingN).ToListAsync(cancellationToken);
        if (jobs.TrueForAll(job => job.Pictures.IsEmpty))
            return Problem.Result(ProblemCode.NotFound, "There is no picture of this listing.");
        context.Response.Headers.CacheControl = "private, no-store";
        // The archive writes its few bytes of headers without waiting, which the body itself does not allow.
        return TypedResults.Stream(
            _ => ListingArchive.WriteAsync(context.Response.BodyWriter.AsStream(leaveOpen: true), jobs, blobs, cancellationToken), "application/zip", ListingArchive.NameOf(listing));
    }

    private static async Task<Results<Ok<ListingCancelView>, ProblemHttpResult>> CancelAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, Cancellation cancellation, ListingViews views, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Listings.Of(owner).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } listing)
            return Problem.Result(ProblemCode.NotFound);
        // The last first, so that none that waits is let go by the end of the one before it.
        var open = await db.Jobs.Where(job => job.ListingId == id && job.DueAt != null).OrderByDescending(job => job.ListingN).Select(job => job.Id).ToListAsync(cancellationToken);
        if (open.Count > 0)
            await cancellation.CancelAsync(owner, open, cancellationToken);
        var view = await ViewAsync(db, listing, views, cancellationToken);
        var (canceled, tooLate) = (view.Counts.Canceled, view.Counts.Queued + view.Counts.Running);
        return TypedResults.Ok(new ListingCancelView(canceled > 0 ? "canceled" : "too_late", canceled, tooLate, view));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, bool? withdraw, Owner owner, IDbContextFactory<StagingDb> databases, DisclosureStore disclosures, Deletion deletion, CancellationToken cancellationToken)
    {
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            // To delete it once more is harmless.
            if (!await db.Listings.AnyAsync(row => row.Id == id && owner.Accounts.Contains(row.AccountId), cancellationToken))
                return Problem.Result(ProblemCode.NotFound);
        }

        if (withdraw != true && await disclosures.AnyOfListingAsync(id, cancellationToken))
            return Problem.Result(ProblemCode.Disclosed, "A published page shows a picture of this listing. Delete with ?withdraw=true if its link may be dead from then on.");
        return await deletion.DeleteListingAsync(id, cancellationToken)
            ? TypedResults.NoContent()
            : Problem.Result(ProblemCode.Conflict, "Something of this listing is under way. Cancel it first.");
    }

    /// <summary>A listing of this owner that was not deleted.</summary>
    private static IQueryable<Listing> Of(this DbSet<Listing> listings, Owner owner) =>
        listings.AsNoTracking().Where(listing => owner.Accounts.Contains(listing.AccountId) && listing.DeletedAt == null);

    private static async Task<ListingView> ViewAsync(StagingDb db, Listing listing, ListingViews views, CancellationToken cancellationToken)
    {
        var jobs = await db.Jobs.AsNoTracking().Where(job => job.ListingId == listing.Id).OrderBy(job => job.ListingN).ToListAsync(cancellationToken);
        return await views.OfAsync(listing, jobs, withItems: true, cancellationToken);
    }

    /// <summary>What became of a cancellation.</summary>
    /// <param name="Result"><c>canceled</c>, or <c>too_late</c> if nothing of it is.</param>
    /// <param name="Canceled">Its stagings that are canceled, now or since before.</param>
    /// <param name="TooLate">Its stagings that go on, because they cannot be canceled any more.</param>
    /// <param name="Listing">As it is now.</param>
    private sealed record ListingCancelView([property: AllowedValues("canceled", "too_late")] string Result, int Canceled, int TooLate, ListingView Listing);
}
