using HomeStage.Staging.Attempts;
using HomeStage.Staging.Disclosures;
using HomeStage.Staging.Listings;
using HomeStage.Storage;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Retention;

/// <summary>
/// Deletes a job that has ended: first its content in the row, from when on nobody finds it, then its files. If the process
/// dies in between, the sweep goes on. What remains is a row that says that it was and how it was settled.
/// </summary>
internal sealed class Deletion(IDbContextFactory<StagingDb> databases, IBlobStore blobs, DisclosureStore disclosures, RetentionSettings kept, TimeProvider time)
{
    internal async Task DeleteAsync(Job job, CancellationToken cancellationToken)
    {
        if (job.DeletedAt is null)
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            await EmptyAsync(db.Jobs.Where(row => row.Id == job.Id), cancellationToken);
        }

        await disclosures.RevokeAsync(job.Id, cancellationToken);
        await PurgeAsync(job.Id, cancellationToken);
    }

    /// <summary>Deletes a job whose time is over, unless a picture of it is disclosed, also if that happens in this moment.</summary>
    internal async Task ExpireAsync(Guid jobId, CancellationToken cancellationToken)
    {
        var oldest = time.GetUtcNow() - kept.Results;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Whoever discloses holds the row too: what was disclosed before is seen by the next statement, what comes after finds the job deleted.
        await db.Database.ExecuteSqlAsync($"select from jobs where id = {jobId} for update", cancellationToken);
        var expired = await EmptyAsync(
            db.Jobs.Where(row => row.Id == jobId && row.FinishedAt < oldest && !db.Disclosures.Any(disclosure => disclosure.JobId == jobId && disclosure.RevokedAt == null)),
            cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (expired > 0)
            await PurgeAsync(jobId, cancellationToken);
    }

    /// <summary>Deletes a listing and all of its jobs, in one transaction, and then their files. False, and nothing done, while something of it is under way.</summary>
    internal async Task<bool> DeleteListingAsync(Guid listingId, CancellationToken cancellationToken)
    {
        List<Guid> ids;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            ids = await db.Jobs.Where(job => job.ListingId == listingId).Select(job => job.Id).ToListAsync(cancellationToken);
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await db.LockJobsAsync(ids, cancellationToken);
            if (await db.Jobs.AnyAsync(job => job.ListingId == listingId && job.DueAt != null, cancellationToken))
                return false;
            await EmptyAsync(db.Jobs.Where(job => job.ListingId == listingId), cancellationToken);
            await EmptyAsync(db.Listings.Where(listing => listing.Id == listingId), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }

        foreach (var id in ids)
        {
            await disclosures.RevokeAsync(id, cancellationToken);
            await PurgeAsync(id, cancellationToken);
        }

        return true;
    }

    /// <summary>Removes the files of a deleted job. With the last of its jobs a listing goes too.</summary>
    internal async Task PurgeAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await blobs.DeletePrefixAsync(jobId.ToString(), cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await EmptyAsync(
            db.Listings.Where(listing => db.Jobs.Any(job => job.Id == jobId && job.ListingId == listing.Id) && !db.Jobs.Any(job => job.ListingId == listing.Id && job.DeletedAt == null)),
            cancellationToken);
        await db.Jobs.Where(row => row.Id == jobId && row.DeletedAt != null).ExecuteUpdateAsync(
            row => row.SetProperty(one => one.Purged, true), cancellationToken);
    }

    private Task<int> EmptyAsync(IQueryable<Job> jobs, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return jobs.Where(row => row.DueAt == null && row.DeletedAt == null).ExecuteUpdateAsync(
            row => row.SetProperty(one => one.DeletedAt, now).SetProperty(one => one.Words, (string?)null).SetProperty(one => one.Revision, one => one.Revision + 1),
            cancellationToken);
    }

    private Task<int> EmptyAsync(IQueryable<Listing> listings, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        return listings.Where(row => row.DeletedAt == null).ExecuteUpdateAsync(
            row => row.SetProperty(one => one.DeletedAt, now).SetProperty(one => one.Name, (string?)null), cancellationToken);
    }
}
