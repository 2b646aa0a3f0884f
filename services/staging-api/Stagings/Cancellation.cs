using HomeStage.Staging.Attempts;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Stagings;

/// <summary>Cancels jobs for their owner, within what may be canceled late in a day.</summary>
internal sealed class Cancellation(IDbContextFactory<StagingDb> databases, JobWriter jobs, TimeProvider time)
{
    private const int LateCancelsADay = 10;

    /// <summary>Cancels them in one transaction. Each decision's answer says what became of one.</summary>
    /// <param name="owner">Whose they are.</param>
    /// <param name="ids">In the order in which they are canceled.</param>
    /// <param name="cancellationToken">Gives up; then nothing is canceled.</param>
    internal async Task<IReadOnlyList<JobDecision>> CancelAsync(Owner owner, IReadOnlyList<Guid> ids, CancellationToken cancellationToken)
    {
        var dayAgo = time.GetUtcNow() - TimeSpan.FromDays(1);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // One cancellation of an account at a time: two at once would both count before either is counted.
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({owner.AccountId.ToString()}, 0))", cancellationToken);
        await db.LockJobsAsync(ids, cancellationToken);
        var late = await db.Jobs.CountAsync(job => owner.Accounts.Contains(job.AccountId) && job.LateCancel && job.FinishedAt > dayAgo, cancellationToken);
        var decisions = new List<JobDecision>();
        foreach (var id in ids)
        {
            var decision = await jobs.ApplyAsync(db, id, new JobCommand.Cancel(LateAllowed: late < LateCancelsADay), cancellationToken);
            decisions.Add(decision!);
            late += decision is { Settle: true, Job.LateCancel: true } ? 1 : 0;
        }

        await transaction.CommitAsync(cancellationToken);
        foreach (var decision in decisions)
            jobs.Committed(decision);
        return decisions;
    }
}
