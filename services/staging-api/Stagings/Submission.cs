using HomeStage.Catalog;
using HomeStage.Contracts;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Photos;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Stagings;

/// <summary>
/// Takes a staging in, in four steps, any of which may be the last that this process does: record the job as accepted; store
/// its photo; hold its price at entitlements; queue it. Each may be repeated, so a repeated request under the same key goes on
/// where the first stopped. What nobody goes on with is failed, and settled with 0, by the scheduler.
/// </summary>
internal sealed partial class Submission(
    ImageModel model,
    PhotoReader reader,
    RequestKeys keys,
    JobIntake intake,
    IBlobStore blobs,
    EntitlementsClient entitlements,
    JobWriter jobs,
    IDbContextFactory<StagingDb> databases,
    StagingMetrics metrics,
    TimeProvider time,
    ILogger<Submission> logger)
{
    private const string UnknownPhotoDetail = "There is no such photo, or it has expired. Upload it with POST /api/v1/photos.";

    /// <exception cref="ProblemException">Refused.</exception>
    internal async Task<Job> SubmitAsync(Owner owner, IdempotencyKey key, StagingRequest request, CancellationToken cancellationToken)
    {
        var fingerprint = request.ComputeFingerprint();
        var job = await ReplayAsync(owner, key, fingerprint, cancellationToken);
        StagingPhoto? photo = null;
        if (job is null)
        {
            try
            {
                var choices = request.Validate(model);
                photo = await ReadPhotoAsync(owner, choices.PhotoId, request, cancellationToken);
                job = await AcceptAsync(owner, key, fingerprint, choices, photo, request.Earlier?.Id, cancellationToken);
            }
            catch (ProblemException refusal) when (refusal.Result.StatusCode < 500)
            {
                if (await keys.TryRefuseAsync(owner, key, fingerprint, refusal.Result, cancellationToken))
                {
                    metrics.Submitted(HoldRefusals.CodeOf(refusal.Result));
                    throw;
                }

                // The same request, sent twice at once, and the other one was accepted.
                job = (await ReplayAsync(owner, key, fingerprint, cancellationToken))!;
            }
        }

        if (job.Status != JobStatus.Accepted)
            return job;
        photo ??= await ReadPhotoAsync(owner, request.Validate(model).PhotoId, request, cancellationToken);
        await intake.StoreAsync(job, photo, cancellationToken);
        return await HoldAndQueueAsync(owner, key, fingerprint, job, cancellationToken);
    }

    private async Task<Job?> ReplayAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, CancellationToken cancellationToken)
    {
        if (await keys.FindAsync(owner, key, fingerprint, cancellationToken) is not { } used)
            return null;
        if (used.Refused() is { } refusal)
            throw new ProblemException(refusal);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Jobs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == used.ResourceId && row.DeletedAt == null, cancellationToken)
            ?? throw new ProblemException(Problem.Result(ProblemCode.NotFound, "The staging of this Idempotency-Key was deleted. Use a new key."));
    }

    /// <summary>The photo that came with the request, that of an earlier staging, or the one that was uploaded before.</summary>
    private async Task<StagingPhoto> ReadPhotoAsync(Owner owner, Guid? photoId, StagingRequest request, CancellationToken cancellationToken)
    {
        if (request.Earlier is { } earlier)
        {
            if (earlier.DeletedAt is null && await blobs.ExistsAsync(earlier.OriginalBlob, cancellationToken))
                return new StagingPhoto(Path.GetFileNameWithoutExtension(earlier.OriginalBlob), earlier.PhotoWidth, earlier.PhotoHeight, Jpeg: null, earlier.OriginalBlob);
            throw earlier.Status == JobStatus.Accepted ? NotYetStored() : JobIntake.PhotoGone();
        }

        if (request.Photo is { } body)
        {
            var read = await reader.ReadAsync(body, cancellationToken);
            return new StagingPhoto(read.Sha256, read.Width, read.Height, Jpeg: read.Jpeg, Blob: null);
        }

        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var photo = await db.Photos.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == photoId && owner.Accounts.Contains(row.AccountId) && row.ExpiresAt > now, cancellationToken);
        return photo is null
            ? throw UnknownPhoto()
            : new StagingPhoto(photo.Sha256, photo.Width, photo.Height, Jpeg: null, photo.Blob, photo.Id);
    }

    // Step a.
    private async Task<Job> AcceptAsync(
        Owner owner, IdempotencyKey key, byte[] fingerprint, StagingChoices choices, StagingPhoto photo, Guid? sourceId, CancellationToken cancellationToken)
    {
        var job = intake.New(owner, choices, photo) with { SourceId = sourceId };
        if (await keys.TryUseAsync(owner, key, fingerprint, job.Id, db => db.Jobs.Add(job), cancellationToken))
            return job;
        // The same request, sent twice at once: both go on with the job of the first.
        return (await ReplayAsync(owner, key, fingerprint, cancellationToken))!;
    }

    // Steps c and d.
    private async Task<Job> HoldAndQueueAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, Job job, CancellationToken cancellationToken)
    {
        var outcome = await entitlements.HoldAsync(job.Id, new HoldRequest
        {
            AccountId = owner.AccountId,
            Credits = job.Price * job.Variations,
            Variations = job.Variations,
            Quality = job.Quality,
            AddressHash = owner.AddressHash,
            ApiKeyId = owner.ApiKeyId,
        }, cancellationToken);
        switch (outcome)
        {
            case HoldOutcome.Taken(var hold):
                var queued = await jobs.ApplyAsync(job.Id, new JobCommand.HoldTaken(hold.Credits, hold.Free), cancellationToken);
                metrics.Submitted("queued");
                return Visible(queued!.Job);
            case HoldOutcome.Refused(var problem):
                var refusal = HoldRefusals.AnswerOf(problem, owner, job.Quality);
                if (!await RefuseAsync(owner, key, fingerprint, job, refusal, cancellationToken))
                    return await AsItIsAsync(owner, key, fingerprint, job, cancellationToken);
                metrics.Submitted(HoldRefusals.CodeOf(refusal));
                throw new ProblemException(refusal);
            case HoldOutcome.Settled:
                return await AsItIsAsync(owner, key, fingerprint, job, cancellationToken);
            default:
                metrics.Submitted(ProblemCode.UsageUnavailable.Code);
                Log.HoldUnknown(logger, job.Id);
                throw HoldRefusals.Unknown();
        }
    }

    /// <summary>Ends the job with the refusal, which is the answer from then on. False if somebody else was faster.</summary>
    private async Task<bool> RefuseAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, Job job, ProblemHttpResult refusal, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.LockJobsAsync([job.Id], cancellationToken);
        if (!await db.Jobs.AnyAsync(row => row.Id == job.Id && row.Status == JobStatus.Accepted, cancellationToken))
            return false;
        await RequestKeys.RefuseAsync(db, owner, key, fingerprint, refusal, cancellationToken);
        var decision = await jobs.ApplyAsync(db, job.Id, new JobCommand.HoldRefused(HoldRefusals.CodeOf(refusal)), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        jobs.Committed(decision);
        return true;
    }

    /// <summary>What became of a job that the same request, the scheduler or a cancellation was faster with.</summary>
    private async Task<Job> AsItIsAsync(Owner owner, IdempotencyKey key, byte[] fingerprint, Job job, CancellationToken cancellationToken)
    {
        if (await ReplayAsync(owner, key, fingerprint, cancellationToken) is { } answered)
            return answered;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return Visible(await db.Jobs.AsNoTracking().SingleAsync(row => row.Id == job.Id, cancellationToken));
    }

    private static Job Visible(Job job) =>
        job.DeletedAt is null ? job : throw new ProblemException(Problem.Result(ProblemCode.NotFound, "This staging was deleted meanwhile."));

    internal static ProblemException UnknownPhoto() =>
        new(Problem.Result(
            ProblemCode.PhotoUnknown, UnknownPhotoDetail, ("errors", new Dictionary<string, string[]>(StringComparer.Ordinal) { ["photoId"] = [UnknownPhotoDetail] })));

    private static ProblemException NotYetStored() =>
        new(Problem.Result(ProblemCode.Unavailable, "The photo of this staging is still on its way in. Try again in a few seconds."));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Entitlements did not say whether job {JobId} is held; it is settled with 0 unless the request is repeated", EventName = "hold_unknown")]
        public static partial void HoldUnknown(ILogger logger, Guid jobId);
    }
}
