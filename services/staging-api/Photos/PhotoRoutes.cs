using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging;
using HomeStage.Staging.Retention;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Photos;

/// <summary><c>POST /api/v1/photos</c>: a photo ahead of its staging.</summary>
internal static class PhotoRoutes
{
    /// <summary>More than a photo may have, so that the client reads our 413 instead of a closed connection.</summary>
    internal const long MaxRequestBytes = 40_000_000;

    internal static void AddPhotos(this ServiceBuilder service)
    {
        service.AddBlobs();
        service.Services.AddSingleton(VirusScan.AddressOf(service.Settings));
        service.Services.AddSingleton<VirusScan>();
        service.Services.AddSingleton<PhotoReader>();
        service.Services.AddSingleton(UploadRoomSize.Read(service.Settings));
        service.Services.AddSingleton<UploadRoom>();
        service.Map(app =>
        {
            ImagingRuntime.Initialise();
            app.MapPost("/api/v1/photos", UploadAsync).RequireCaller("gateway")
                .WithMetadata(new RequestSizeLimitAttribute(MaxRequestBytes))
                .AddEndpointFilter<NothingBilledFilter>().AddEndpointFilter<UploadRoomFilter>()
                .Describe(
                    "Stagings", "uploadPhoto", "Upload a photo",
                    "Kept upright and without metadata until `expiresAt`, a day unless the installation says otherwise, or for as long as a staging uses it. What it is is known by its content, whatever `Content-Type` says.")
                .TakesFile("image/jpeg", "image/png", "image/webp", "application/octet-stream")
                .Example(201, """{"id":"019aac12-61d0-7ab4-8f0c-3f9d2f7b5e10","width":3840,"height":2560,"expiresAt":"2026-03-03T10:20:00Z"}""")
                .TakesIdempotencyKey()
                .Refuses(
                    ProblemCode.ValidationFailed, ProblemCode.Unauthenticated, ProblemCode.NotFound, ProblemCode.PayloadTooLarge, ProblemCode.UnsupportedMediaType,
                    ProblemCode.ImageRejected, ProblemCode.Unavailable);
        });
    }

    private static async Task<Results<Created<PhotoView>, ProblemHttpResult>> UploadAsync(
        Owner owner,
        IdempotencyKey key,
        HttpRequest request,
        PhotoReader reader,
        RequestKeys keys,
        RetentionSettings kept,
        IBlobStore blobs,
        IDbContextFactory<StagingDb> databases,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        PhotoBody.RequireMediaType(request.ContentType);
        var body = await PhotoBody.ReceiveAsync(request, cancellationToken);
        var fingerprint = Fingerprint.OfHash("photo", [], body.Sha256);
        if (await keys.FindAsync(owner, key, fingerprint, cancellationToken) is { } used)
            return await AnswerAgainAsync(databases, used, cancellationToken);

        ReadPhoto read;
        try
        {
            read = await reader.ReadAsync(body, cancellationToken);
        }
        catch (ProblemException refusal) when (refusal.Result.StatusCode < 500)
        {
            if (await keys.TryRefuseAsync(owner, key, fingerprint, refusal.Result, cancellationToken))
                throw;
            return await FirstAsync();
        }

        var id = Guid.CreateVersion7(time.GetUtcNow());
        var photo = new Photo
        {
            Id = id,
            AccountId = owner.AccountId,
            Blob = $"photos/{id}/{read.Sha256}.jpg",
            Sha256 = read.Sha256,
            Width = read.Width,
            Height = read.Height,
            CreatedAt = time.GetUtcNow(),
            ExpiresAt = time.GetUtcNow() + kept.Photos,
        };
        await blobs.PutAsync(photo.Blob, read.Jpeg, ImageMediaType.Jpeg, cancellationToken);
        if (await keys.TryUseAsync(owner, key, fingerprint, id, db => db.Photos.Add(photo), cancellationToken))
            return Created(photo);

        await blobs.DeleteAsync(photo.Blob, cancellationToken);
        return await FirstAsync();

        // The same request, sent twice at once: the other one was first.
        async Task<Results<Created<PhotoView>, ProblemHttpResult>> FirstAsync() =>
            await AnswerAgainAsync(databases, (await keys.FindAsync(owner, key, fingerprint, cancellationToken))!, cancellationToken);
    }

    private static async Task<Results<Created<PhotoView>, ProblemHttpResult>> AnswerAgainAsync(
        IDbContextFactory<StagingDb> databases, RequestKey used, CancellationToken cancellationToken)
    {
        if (used.Refused() is { } refusal)
            return refusal;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Photos.AsNoTracking().SingleOrDefaultAsync(photo => photo.Id == used.ResourceId, cancellationToken) is { } photo
            ? Created(photo)
            : Problem.Result(ProblemCode.NotFound, "The photo of this Idempotency-Key has expired. Send it again under a new key.");
    }

    private static Created<PhotoView> Created(Photo photo) =>
        TypedResults.Created((string?)null, new PhotoView(photo.Id, photo.Width, photo.Height, photo.ExpiresAt));

    /// <summary>A photo that was uploaded.</summary>
    /// <param name="Id">For <c>photoId</c> of a staging.</param>
    /// <param name="Width">Pixels, upright.</param>
    /// <param name="Height">Pixels, upright.</param>
    /// <param name="ExpiresAt">Until when it can be used.</param>
    private sealed record PhotoView(Guid Id, int Width, int Height, DateTimeOffset ExpiresAt);
}
