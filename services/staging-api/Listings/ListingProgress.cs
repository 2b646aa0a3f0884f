using System.Text.Json;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Events;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Listings;

/// <summary>
/// What the end of one job means to the others of its listing, in the transaction that ends it. The first job goes alone, so that what it
/// shows can be shown to the model with the others; nothing waits for ever, because each that waits is also due by itself.
/// </summary>
internal static class ListingProgress
{
    /// <summary>The event that ends a listing's stream.</summary>
    internal const string EndedEvent = "listing_ended";

    /// <summary>
    /// Makes those that wait due at the scheduler: all of them, with the picture that they are to resemble, or without one the next in line.
    /// Rows that somebody else is at are on their way already, or are being canceled.
    /// </summary>
    /// <param name="db">In the transaction, with the job's row changed and no event appended yet.</param>
    /// <param name="ended">The job that has ended.</param>
    /// <param name="now">The time.</param>
    /// <param name="cancellationToken">Gives up with the transaction.</param>
    internal static Task<int> LetOthersGoAsync(StagingDb db, Job ended, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // One that waited itself has kept nobody waiting.
        if (ended.Attempt == 0)
            return Task.FromResult(0);
        var (reference, most) = ended.Pictures.IsEmpty ? (null, 1) : (ended.Pictures[0].Clean, Listing.MaxPhotos);
        return db.Database.ExecuteSqlAsync(
            $"""
            update jobs set reference_blob = {reference}::text, next_attempt_at = {now}, due_at = {now}, revision = revision + 1
            where id in (
                select id from jobs where listing_id = {ended.ListingId} and status = 'queued' and attempt = 0
                order by listing_n limit {most} for update skip locked)
            """,
            cancellationToken);
    }

    /// <summary>Appends the listing's last event once all of its jobs have ended; the listing's own row, locked by the event before, lets one transaction at a time look.</summary>
    internal static async Task TellIfEndedAsync(StagingDb db, Guid listingId, Guid accountId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (await db.Jobs.AnyAsync(job => job.ListingId == listingId && job.DueAt != null, cancellationToken)
            || await db.Listings.AnyAsync(listing => listing.Id == listingId && listing.DeletedAt != null, cancellationToken))
        {
            return;
        }

        var state = ListingState.Of(await db.Jobs.AsNoTracking().Where(job => job.ListingId == listingId).ToListAsync(cancellationToken));
        var body = JsonSerializer.Serialize(new ListingEndedView(listingId, state.Status, now, state.Counts, state.Pictures), StagingViews.Json);
        await EventLog.AppendAsync(db, accountId, job: null, listingId, EndedEvent, body, cancellationToken);
    }
}
