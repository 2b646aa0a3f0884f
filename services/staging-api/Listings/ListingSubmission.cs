using HomeStage.Catalog;
using HomeStage.Contracts;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Listings;

/// <summary>
/// Takes a listing in, in the four steps of <see cref="Submission"/>, each for all of its jobs: record them as accepted, in one transaction;
/// store the photos; hold what they cost in one call; queue those that are held, in one transaction. Each may be the last that this process
/// does, and may be repeated; a listing is queued as a whole or not at all.
/// </summary>
internal sealed partial class ListingSubmission(
    ImageModel model,
    RequestKeys keys,
    JobIntake intake,
    IBlobStore blobs,
    EntitlementsClient entitlements,
    JobWriter jobs,
    IDbContextFactory<StagingDb> databases,
    StagingMetrics metrics,
    TimeProvider time,
    ILogger<ListingSubmission> logger)
{
    private const int CopiesAtOnce = 4;

    /// <exception cref="ProblemException">Refused.</exception>
    internal async Task<Listing> SubmitAsync(Owner owner, IdempotencyKey key, ListingRequest request, CancellationToken cancellationToken)
    {
        var fingerprint = request.ComputeFingerprint();
        var listing = await ReplayAsync(owner, key, fingerprint, cancellationToken);
        if (listing is null)
        {
            try
            {
                listing = await AcceptAsync(owner, key, fingerprint, request.Validate(model), cancellationToken);
            }
            catch (ProblemException refusal) when (refusal.Result.StatusCode < 500)
            {
                if (await keys.TryRefuseAsync(owner, key, fingerprint, refusal.Result, cancellationToken))
                {
                    metrics.Submitted(HoldRefusals.CodeOf(refusal.Result));
                    throw;
                }

                // The same request, sent twice at once, and the other one was accepted.
                listing = (await ReplayAsync(owner, key, fingerprint, cancellationToken))!;
            }
        }

        var accepted = await AcceptedJobsAsync(listing, cancellationToken);
        if (accepted.Count == 0)
            return listing;
        await StoreAsync(owner, accepted, cancellationToken);
        await HoldAndQueueAsync(owner, key, fingerprint, listing, accepted, cancellationToken);
        return listing;
    }

    private async Task<Listing?> ReplayAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, CancellationToken cancellationToken)
    {
        if (await keys.FindAsync(owner, key, fingerprint, cancellationToken) is not { } used)
            return null;
        if (used.Refused() is { } refusal)
            throw new ProblemException(refusal);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Listings.AsNoTracking().SingleOrDefaultAsync(row => row.Id == used.ResourceId && row.DeletedAt == null, cancellationToken)
            ?? throw new ProblemException(Problem.Result(ProblemCode.NotFound, "The listing of this Idempotency-Key was deleted. Use a new key."));
    }

    // Step a.
    private async Task<Listing> AcceptAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, ListingChoices choices, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var photos = await FindPhotosAsync(owner, choices, now, cancellationToken);
        var listing = new Listing { Id = Guid.CreateVersion7(now), AccountId = owner.AccountId, Name = choices.Name, Take = choices.Take, CreatedAt = now };
        var accepted = choices.Photos.Select((photo, index) => intake.New(owner, photo, photos[index]) with { ListingId = listing.Id, ListingN = index + 1 }).ToList();
        if (await keys.TryUseAsync(owner, key, fingerprint, listing.Id, Add, cancellationToken))
            return listing;
        // The same request, sent twice at once: both go on with the listing of the first.
        return (await ReplayAsync(owner, key, fingerprint, cancellationToken))!;

        void Add(StagingDb db)
        {
            db.Listings.Add(listing);
            db.Jobs.AddRange(accepted);
        }
    }

    private async Task<List<StagingPhoto>> FindPhotosAsync(Owner owner, ListingChoices choices, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var ids = choices.Photos.Select(photo => photo.PhotoId!.Value).ToList();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var known = await db.Photos.AsNoTracking().Where(row => ids.Contains(row.Id) && owner.Accounts.Contains(row.AccountId))
            .ToDictionaryAsync(row => row.Id, cancellationToken);
        RequireAll(ids, known.ContainsKey, ProblemCode.PhotoUnknown, "There is no such photo. Upload it with POST /api/v1/photos.");
        RequireAll(ids, id => known[id].ExpiresAt > now, ProblemCode.PhotoGone, "This photo has expired. Upload it again with POST /api/v1/photos.");
        var there = new HashSet<Guid>();
        foreach (var photo in known.Values)
        {
            if (await blobs.ExistsAsync(photo.Blob, cancellationToken))
                there.Add(photo.Id);
        }

        RequireAll(ids, there.Contains, ProblemCode.PhotoGone, "This photo is no longer there. Upload it again with POST /api/v1/photos.");
        return [.. ids.Select(id => known[id]).Select(photo => new StagingPhoto(photo.Sha256, photo.Width, photo.Height, Jpeg: null, photo.Blob, photo.Id))];
    }

    private static void RequireAll(List<Guid> ids, Func<Guid, bool> fits, ProblemCode code, string reason)
    {
        var errors = ids.Select((id, index) => (id, index)).Where(photo => !fits(photo.id)).ToDictionary(photo => ListingRequest.At(photo.index), _ => (string[])[reason], StringComparer.Ordinal);
        if (errors.Count > 0)
            throw new ProblemException(Problem.Result(code, $"{(errors.Count == 1 ? "One photo" : $"{errors.Count} photos")} of the listing cannot be used: see 'errors'. Nothing of it was taken.", ("errors", errors)));
    }

    /// <summary>The jobs that are still to be paid for, in order; none once the listing was queued, or when the scheduler has begun to give it up.</summary>
    private async Task<List<Job>> AcceptedJobsAsync(Listing listing, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var all = await db.Jobs.AsNoTracking().Where(job => job.ListingId == listing.Id).OrderBy(job => job.ListingN).ToListAsync(cancellationToken);
        return IsGivenUp(all) ? [] : all.FindAll(job => job.Status == JobStatus.Accepted);
    }

    private static bool IsGivenUp(IEnumerable<Job> all) => all.Any(job => job.ErrorCode == JobMachine.SubmissionInterrupted);

    // Step b.
    private async Task StoreAsync(Owner owner, List<Job> accepted, CancellationToken cancellationToken)
    {
        var ids = accepted.ConvertAll(job => job.PhotoId);
        Dictionary<Guid, string> sources;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            // Also one that has expired meanwhile: it could be used when the listing was accepted.
            sources = await db.Photos.Where(row => ids.Contains(row.Id) && owner.Accounts.Contains(row.AccountId)).ToDictionaryAsync(row => row.Id, row => row.Blob, cancellationToken);
        }

        await Parallel.ForEachAsync(accepted, new ParallelOptions { MaxDegreeOfParallelism = CopiesAtOnce, CancellationToken = cancellationToken }, async (job, token) =>
        {
            var source = sources.GetValueOrDefault(job.PhotoId!.Value) ?? throw JobIntake.PhotoGone();
            await intake.StoreAsync(job, new StagingPhoto("", job.PhotoWidth, job.PhotoHeight, Jpeg: null, source), token);
        });
    }

    // Steps c and d.
    private async Task HoldAndQueueAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, Listing listing, List<Job> accepted, CancellationToken cancellationToken)
    {
        switch (await HoldAsync(owner, listing, accepted, cancellationToken))
        {
            case HoldOutcome.ListTaken(var holds):
                await QueueAsync(accepted, holds, cancellationToken);
                return;
            case HoldOutcome.Refused(var problem):
                var refusal = HoldRefusals.AnswerOf(problem, owner, accepted[0].Quality);
                if (!await RefuseAsync(owner, key, fingerprint, listing, accepted, refusal, cancellationToken))
                    return;
                metrics.Submitted(HoldRefusals.CodeOf(refusal));
                throw new ProblemException(refusal);
            case HoldOutcome.Settled:
                // The scheduler, or a cancellation, was faster: the listing says what became of it.
                return;
            default:
                metrics.Submitted(ProblemCode.UsageUnavailable.Code);
                Log.HoldsUnknown(logger, listing.Id);
                throw HoldRefusals.Unknown();
        }
    }

    private async Task<HoldOutcome> HoldAsync(Owner owner, Listing listing, List<Job> accepted, CancellationToken cancellationToken)
    {
        var outcome = await entitlements.HoldAsync(new HoldListRequest
        {
            AccountId = owner.AccountId,
            AllOrNone = listing.Take == ListingTake.All,
            Holds = [.. accepted.Select(job => new ListedHold { JobId = job.Id, Credits = job.Price * job.Variations, Variations = job.Variations, Quality = job.Quality })],
            AddressHash = owner.AddressHash,
            ApiKeyId = owner.ApiKeyId,
        }, cancellationToken);
        if (outcome is not HoldOutcome.ListTaken(var holds) || holds.Any(hold => hold.Refusal is null))
            return outcome;
        // Not even one. Asked for alone, the first says in full what there is; should it be taken after all, it is one.
        var first = accepted[0];
        outcome = await entitlements.HoldAsync(first.Id, new HoldRequest
        {
            AccountId = owner.AccountId,
            Credits = first.Price * first.Variations,
            Variations = first.Variations,
            Quality = first.Quality,
            AddressHash = owner.AddressHash,
            ApiKeyId = owner.ApiKeyId,
        }, cancellationToken);
        return outcome is HoldOutcome.Taken(var one)
            ? new HoldOutcome.ListTaken([new ListedHoldTaken { JobId = one.JobId, Credits = one.Credits, Free = one.Free }, .. holds.Skip(1)])
            : outcome;
    }

    private async Task QueueAsync(List<Job> accepted, IReadOnlyList<ListedHoldTaken> holds, CancellationToken cancellationToken)
    {
        var refusals = holds.Where(hold => hold.Refusal is not null).ToDictionary(hold => hold.JobId, hold => hold.Refusal!);
        var held = holds.Where(hold => hold.Refusal is null).ToDictionary(hold => hold.JobId);
        // Where a picture can be shown to the model beside the photo, the first goes ahead of the others.
        var leads = accepted.First(job => held.ContainsKey(job.Id)).Id;
        var canFollow = model.InputImages > 1;
        await ApplyAsync(accepted, (job, givenUp) => givenUp
            ? new JobCommand.Tick(LeasesMayExpire: false)
            : held.TryGetValue(job, out var hold)
                ? new JobCommand.HoldTaken(hold.Credits, hold.Free, Waits: canFollow && job != leads)
                : new JobCommand.HoldRefused(refusals[job]), (_, _) => Task.FromResult(true), cancellationToken);
        foreach (var hold in holds)
            metrics.Submitted(hold.Refusal ?? "queued");
    }

    /// <summary>False if somebody else, with the same request, was luckier.</summary>
    private Task<bool> RefuseAsync(
        Owner owner, IdempotencyKey key, byte[] fingerprint, Listing listing, List<Job> accepted, ProblemHttpResult refusal, CancellationToken cancellationToken)
    {
        var command = new JobCommand.HoldRefused(HoldRefusals.CodeOf(refusal));
        return ApplyAsync(accepted, (_, _) => command, async (db, rows) =>
        {
            if (rows.TrueForAll(job => job.Status != JobStatus.Accepted))
                return false;
            await RequestKeys.RefuseAsync(db, owner, key, fingerprint, refusal, cancellationToken);
            // The refusal was the answer to the request; nothing of it is kept.
            var now = time.GetUtcNow();
            await db.Listings.Where(row => row.Id == listing.Id).ExecuteUpdateAsync(
                row => row.SetProperty(one => one.DeletedAt, now).SetProperty(one => one.Name, (string?)null), cancellationToken);
            return true;
        }, cancellationToken);
    }

    /// <summary>Applies a command to each of the jobs, in one transaction that has locked them all.</summary>
    /// <param name="accepted">The jobs.</param>
    /// <param name="command">For a job, and whether the scheduler has begun to give the listing up.</param>
    /// <param name="before">What else belongs to it; false to do nothing at all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<bool> ApplyAsync(
        List<Job> accepted, Func<Guid, bool, JobCommand> command, Func<StagingDb, List<Job>, Task<bool>> before, CancellationToken cancellationToken)
    {
        var ids = accepted.ConvertAll(job => job.Id);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.LockJobsAsync(ids, cancellationToken);
        var rows = await db.Jobs.AsNoTracking().Where(job => ids.Contains(job.Id)).ToListAsync(cancellationToken);
        if (!await before(db, rows))
            return false;
        var givenUp = IsGivenUp(rows);
        var decisions = new List<JobDecision?>();
        foreach (var id in ids)
            decisions.Add(await jobs.ApplyAsync(db, id, command(id, givenUp), cancellationToken));
        await transaction.CommitAsync(cancellationToken);
        foreach (var decision in decisions)
            jobs.Committed(decision);
        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Entitlements did not say what of listing {ListingId} is held; it is settled with 0 unless the request is repeated", EventName = "holds_unknown")]
        public static partial void HoldsUnknown(ILogger logger, Guid listingId);
    }
}
