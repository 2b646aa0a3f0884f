using HomeStage.Staging.Attempts;
using HomeStage.Staging.Disclosures;
using HomeStage.Storage;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Retention;

/// <summary>
/// Deletes a job that has ended: first its content in the row, from when on nobody finds it, then its files. If the process
/// dies in between, the sweep goes on. What remains is a row that says that it was and how it was settled.
/// </summary>
internal sealed class Deletion(IDbContextFactory<StagingDb> databases, IBlobStore blobs, DisclosureStore disclosures, TimeProvider time)
{
    internal async Task DeleteAsync(Job job, CancellationToken cancellationToken)
    {
        if (job.DeletedAt is null)
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            var now = time.GetUtcNow();
            await db.Jobs.Where(row => row.Id == job.Id && row.DueAt == null && row.DeletedAt == null).ExecuteUpdateAsync(
                row => row.SetProperty(one => one.DeletedAt, now).SetProperty(one => one.Words, (string?)null).SetProperty(one => one.Revision, one => one.Revision + 1),
                cancellationToken);
        }

        await disclosures.RevokeAsync(job.Id, cancellationToken);
        await PurgeAsync(job.Id, cancellationToken);
    }

    /// <summary>Removes the files of a deleted job.</summary>
    internal async Task PurgeAsync(Guid jobId, CancellationToken cancellationToken)
    {
        await blobs.DeletePrefixAsync(jobId.ToString(), cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Jobs.Where(row => row.Id == jobId && row.DeletedAt != null).ExecuteUpdateAsync(
            row => row.SetProperty(one => one.Purged, true), cancellationToken);
    }
}
