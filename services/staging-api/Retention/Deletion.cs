using HomeStage.Staging.Attempts;
using HomeStage.Staging.Disclosures;
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

    /// <summary>Removes the files of a deleted job.</summary>
    internal async Task PurgeAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await blobs.DeletePrefixAsync(jobId.ToString(), cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
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
}
