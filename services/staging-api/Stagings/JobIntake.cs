using HomeStage.Catalog;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging;
using HomeStage.Staging.Attempts;
using HomeStage.Storage;

namespace HomeStage.Staging.Stagings;

/// <summary>A photo that is to be staged: its bytes, or where it is kept.</summary>
internal sealed record StagingPhoto(string Sha256, int Width, int Height, byte[]? Jpeg, string? Blob, Guid? Id = null);

/// <summary>Makes new jobs, and gives each a copy of its photo.</summary>
internal sealed class JobIntake(IBlobStore blobs, TimeProvider time)
{
    /// <summary>A job as it is accepted; not stored yet.</summary>
    internal Job New(Owner owner, StagingChoices choices, StagingPhoto photo)
    {
        var now = time.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        return new Job
        {
            Id = id,
            AccountId = owner.AccountId,
            Room = choices.Room,
            Style = choices.Style,
            Quality = choices.Quality.Id,
            Declutter = choices.Declutter,
            Words = choices.Words,
            Format = choices.Format,
            Size = choices.Size,
            Seed = choices.Seed,
            PhotoId = photo.Id,
            Variations = choices.Variations,
            Price = choices.Quality.Credits,
            PromptVersion = Catalogue.PromptVersion,
            OriginalBlob = $"{id}/{photo.Sha256}.jpg",
            PhotoWidth = photo.Width,
            PhotoHeight = photo.Height,
            CreatedAt = now,
            Deadline = now + JobMachine.Deadline,
            DueAt = now + JobMachine.SubmissionLimit,
        };
    }

    /// <summary>Stores the job's own copy of its photo, unless it is there.</summary>
    /// <exception cref="ProblemException">The photo is no longer there.</exception>
    internal async Task StoreAsync(Job job, StagingPhoto photo, CancellationToken cancellationToken)
    {
        if (await blobs.ExistsAsync(job.OriginalBlob, cancellationToken))
            return;
        if (photo.Jpeg is { } jpeg)
        {
            await blobs.PutAsync(job.OriginalBlob, jpeg, ImageMediaType.Jpeg, cancellationToken);
            return;
        }

        await using var source = await blobs.OpenAsync(photo.Blob!, cancellationToken) ?? throw (job.SourceId is null ? Submission.UnknownPhoto() : PhotoGone());
        await blobs.PutAsync(job.OriginalBlob, source.Content, ImageMediaType.Jpeg, cancellationToken);
    }

    internal static ProblemException PhotoGone() =>
        new(Problem.Result(ProblemCode.PhotoGone, "This staging was deleted, and its photo with it. Upload the photo with POST /api/v1/photos."));
}
