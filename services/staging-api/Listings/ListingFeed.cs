using System.Data;
using System.Text.Json;
using HomeStage.Staging.Events;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Listings;

/// <summary>The events of all jobs of a listing, and its end.</summary>
internal sealed class ListingFeed(IDbContextFactory<StagingDb> databases, ListingViews views, Guid listingId) : EventFeed(databases, listingId)
{
    internal override async Task<string?> TypeOfAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.ListingId == Subject && row.ListingN == n).Select(row => row.Type).SingleOrDefaultAsync(cancellationToken);
    }

    internal override async Task<IReadOnlyList<FeedEvent>> AfterAsync(long n, CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        return await db.Events.Where(row => row.ListingId == Subject && row.ListingN > n).OrderBy(row => row.ListingN).Take(BatchSize)
            .Select(row => new FeedEvent(row.ListingN!.Value, row.Type, row.Body)).ToListAsync(cancellationToken);
    }

    internal override async Task<FeedSnapshot> SnapshotAsync(CancellationToken cancellationToken)
    {
        await using var db = await Databases.CreateDbContextAsync(cancellationToken);
        // Number and jobs of the same moment.
        await using var moment = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var listing = await db.Listings.AsNoTracking().SingleAsync(row => row.Id == Subject, cancellationToken);
        var jobs = await db.Jobs.AsNoTracking().Where(row => row.ListingId == Subject).OrderBy(row => row.ListingN).ToListAsync(cancellationToken);
        await moment.CommitAsync(cancellationToken);

        var view = await views.OfAsync(listing, jobs, withItems: true, cancellationToken);
        return new FeedSnapshot(
            listing.LastEvent, JsonSerializer.Serialize(view with { LastEvent = listing.LastEvent }, StagingViews.Json), jobs.TrueForAll(job => job.IsTerminal));
    }

    internal override bool EndsWith(string type) => type == ListingProgress.EndedEvent;
}
