using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Staging.Events;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Attempts;

/// <summary>
/// Applies a command to a job: reads it, lets <see cref="JobMachine"/> decide, and stores the decision by one statement that
/// holds only if nobody else changed the job meanwhile; else it decides again. Event, messages and the attempt's record go
/// into the same transaction.
/// </summary>
internal sealed class JobWriter(
    IDbContextFactory<StagingDb> databases, Outbox outbox, EventHub hub, SafetyId safetyId, StagingMetrics metrics, TimeProvider time)
{
    /// <summary>Applies in a transaction of its own. Null if there is no such job.</summary>
    internal async Task<JobDecision?> ApplyAsync(Guid jobId, JobCommand command, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var decision = await ApplyAsync(db, jobId, command, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Committed(decision);
        return decision;
    }

    /// <summary>Applies in the caller's transaction; the caller calls <see cref="Committed"/> afterwards.</summary>
    internal async Task<JobDecision?> ApplyAsync(StagingDb db, Guid jobId, JobCommand command, CancellationToken cancellationToken)
    {
        while (true)
        {
            var job = await db.Jobs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == jobId, cancellationToken);
            if (job is null)
                return null;
            var decision = JobMachine.Decide(job, command, time.GetUtcNow());
            if (ReferenceEquals(decision.Job, job))
                return decision;
            if (await TryStoreAsync(db, job, decision, cancellationToken) is { } stored)
                return stored;
        }
    }

    /// <summary>Wakes whoever waits for what a decision has brought about.</summary>
    internal void Committed(JobDecision? decision)
    {
        if (decision is null)
            return;
        var job = decision.Job;
        if (decision.Send || decision.Settle)
            outbox.Wake();
        if (decision.Event is not null)
            hub.Announce(decision.Stream ?? job.AccountId, job.Id, job.ListingId);
        if (decision.Send)
            metrics.AttemptSent();
        if (decision.Event == "running" && job is { Attempt: 1, QueuedAt: { } queued, ClaimedAt: { } claimed })
            metrics.Claimed(claimed - queued);
        if (decision.Ended is { } ended)
            metrics.AttemptEnded(ended.Outcome);
        if (decision.Settle)
            metrics.Ended(job.PublicStatus, job.ErrorCode, job.FinishedAt - job.QueuedAt);
    }

    /// <summary>The decision as it was stored; null if somebody else changed the job meanwhile.</summary>
    private async Task<JobDecision?> TryStoreAsync(StagingDb db, Job read, JobDecision decision, CancellationToken cancellationToken)
    {
        var job = decision.Job;
        db.Jobs.Attach(job).OriginalValues.SetValues(read);
        if (decision.Send)
            outbox.Add(db, Work(job));
        if (decision.Settle)
            outbox.Add(db, new StagingSettled { JobId = job.Id, AccountId = job.AccountId, CreditsUsed = job.CreditsUsed!.Value, Outcome = job.PublicStatus });
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            return null;
        }
        finally
        {
            db.ChangeTracker.Clear();
        }

        var now = time.GetUtcNow();
        if (decision.Settle && job.ListingId is not null)
            await ListingProgress.LetOthersGoAsync(db, job, now, cancellationToken);
        if (decision.Event is { } type)
            decision = decision with { Stream = await EventLog.AppendAsync(db, job.AccountId, job, job.ListingId, type, EventBody.Of(job, now), cancellationToken) };
        if (decision.Settle && job.ListingId is { } listing)
            await ListingProgress.TellIfEndedAsync(db, listing, job.AccountId, now, cancellationToken);
        if (decision.Ended is { } ended)
            await RecordAsync(db, job.Id, ended, cancellationToken);
        return decision;
    }

    private StageRoom Work(Job job) => new()
    {
        JobId = job.Id,
        Attempt = job.Attempt,
        OriginalBlob = job.OriginalBlob,
        PhotoWidth = job.PhotoWidth,
        PhotoHeight = job.PhotoHeight,
        Options = new StagingOptions
        {
            Room = job.Room,
            Style = job.Style,
            Quality = job.Quality,
            Declutter = job.Declutter,
            Words = job.Words,
            Format = job.Format,
            Size = job.Size,
            Seed = job.Seed,
        },
        PromptVersion = job.PromptVersion,
        OfSeveral = job.ListingId is not null,
        ReferenceBlob = job.ReferenceBlob,
        VariationsMissing = job.Missing,
        SafetyId = safetyId.Of(job.AccountId),
    };

    // An attempt whose lease was lost may deliver after all: the newer record is the better one.
    private Task<int> RecordAsync(StagingDb db, Guid jobId, AttemptEnd ended, CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync(
        $"""
        insert into attempts (job_id, attempt, outcome, may_have_cost, model, request_id, input_tokens, output_tokens, duration_ms, cost_microdollars, claimed_at, ended_at)
        values ({jobId}, {ended.Attempt}, {ended.Outcome}, {ended.MayHaveCost}, {ended.Usage?.Model}::text, {ended.Usage?.RequestId}::text,
            {ended.Usage?.InputTokens}::bigint, {ended.Usage?.OutputTokens}::bigint, {ended.Usage?.DurationMilliseconds}::bigint,
            {ended.Usage?.CostMicrodollars}::bigint, {ended.ClaimedAt}::timestamptz, {time.GetUtcNow()})
        on conflict (job_id, attempt) do update set outcome = excluded.outcome, may_have_cost = excluded.may_have_cost, model = excluded.model,
            request_id = excluded.request_id, input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens,
            duration_ms = excluded.duration_ms, cost_microdollars = excluded.cost_microdollars, ended_at = excluded.ended_at
        """,
        cancellationToken);
}
