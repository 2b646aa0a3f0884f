using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Problems;
using HomeStage.Imaging;
using HomeStage.Staging.Attempts;
using HomeStage.Storage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Staging.Stagings;

/// <summary>Serves a job's files to its owner. A blob never changes under its key, so a client may keep it.</summary>
internal static class ImageRoutes
{
    private const string KeptByClients = "private, max-age=31536000, immutable";

    internal static void MapImages(this IEndpointRouteBuilder routes)
    {
        string[] types = [ImageMediaType.Jpeg, ImageMediaType.Png, ImageMediaType.WebP];
        routes.MapGet("/{id:guid}/images/{n:int}", ImageAsync)
            .Describe("Pictures", "getImage", "A picture of a staging", "A client may keep it for ever. Of a free staging there is no `clean` variant.")
            .Explains("id", "The staging.")
            .Explains("n", "Which picture, from 1.", schema => schema["minimum"] = 1)
            .Explains("variant", "With the words \"Virtually staged\" (`labeled`), without them (`clean`), or small (`thumb`).",
                schema => (schema["enum"], schema["default"]) = (new JsonArray("clean", "labeled", "thumb"), "labeled"))
            .AnswersFile("The picture.", types)
            .Refuses(ProblemCode.ValidationFailed, ProblemCode.NotFound, ProblemCode.NotAvailable);
        routes.MapGet("/{id:guid}/original", OriginalAsync)
            .Describe("Pictures", "getOriginal", "The photo of a staging, as we keep it")
            .Explains("id", "The staging.")
            .AnswersFile("The photo.", types)
            .Refuses(ProblemCode.NotFound);
        routes.MapGet("/{id:guid}/preview", PreviewAsync)
            .Describe("Pictures", "getPreview", "What can be seen of a staging that is under way", "Labelled, at most 512 pixels, and not there for every staging: see `previewUrl` of the event `progress`.")
            .Explains("id", "The staging.")
            .AnswersFile("The preview as it is now.", types)
            .Refuses(ProblemCode.NotFound);
    }

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> ImageAsync(
        Guid id, int n, string? variant, Owner owner, IDbContextFactory<StagingDb> databases, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken)
    {
        if (await FindAsync(databases, owner, id, cancellationToken) is not { } job || n < 1 || n > job.Pictures.Length)
            return Problem.Result(ProblemCode.NotFound);
        var picture = job.Pictures[n - 1];
        return variant switch
        {
            "clean" when job.Free == true => Problem.Result(
                ProblemCode.NotAvailable, "A free staging comes with the label only. Stage the photo with a credit for the picture without."),
            "clean" => await ServeAsync(picture.Clean, $"{Name(job)}-{n}", KeptByClients, blobs, response, cancellationToken),
            null or "labeled" => await ServeAsync(picture.Labeled, $"{Name(job)}-{n}-labeled", KeptByClients, blobs, response, cancellationToken),
            "thumb" => await ServeAsync(picture.Thumb, $"{Name(job)}-{n}-thumb", KeptByClients, blobs, response, cancellationToken),
            _ => Problem.Invalid("variant", "Use clean, labeled or thumb."),
        };
    }

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> OriginalAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken) =>
        await FindAsync(databases, owner, id, cancellationToken) is { } job
            ? await ServeAsync(job.OriginalBlob, $"{Name(job)}-original", KeptByClients, blobs, response, cancellationToken)
            : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> PreviewAsync(
        Guid id, Owner owner, IDbContextFactory<StagingDb> databases, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken) =>
        await FindAsync(databases, owner, id, cancellationToken) is { PreviewBlob: { } preview } job
            ? await ServeAsync(preview, $"{Name(job)}-preview", "private, no-cache", blobs, response, cancellationToken)
            : Problem.Result(ProblemCode.NotFound);

    private static async Task<Job?> FindAsync(IDbContextFactory<StagingDb> databases, Owner owner, Guid id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Jobs.Of(owner).SingleOrDefaultAsync(job => job.Id == id, cancellationToken);
    }

    /// <summary>A file of a job, with the type that its content has.</summary>
    internal static async Task<Results<FileStreamHttpResult, ProblemHttpResult>> ServeAsync(
        string key, string name, string caching, IBlobStore blobs, HttpResponse response, CancellationToken cancellationToken)
    {
        if (await blobs.OpenAsync(key, cancellationToken) is not { } blob)
            return Problem.Result(ProblemCode.NotFound);
        var mediaType = await MediaTypeAsync(blob, cancellationToken);
        response.Headers.CacheControl = caching;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.ContentDisposition = $"inline; filename=\"{name}{Extension(mediaType)}\"";
        var tag = new EntityTagHeaderValue($"\"{Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 12))}\"");
        return TypedResults.Stream(blob.Content, mediaType, entityTag: tag, enableRangeProcessing: true);
    }

    // By content: what it was stored as is only what somebody said.
    internal static async Task<string> MediaTypeAsync(Blob blob, CancellationToken cancellationToken)
    {
        var start = new byte[64];
        var length = await blob.Content.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken);
        blob.Content.Position = 0;
        return ImageMediaType.Of(start.AsSpan(0, length)) is { } type and (ImageMediaType.Jpeg or ImageMediaType.Png or ImageMediaType.WebP)
            ? type
            : "application/octet-stream";
    }

    internal static string Name(Job job) => $"{job.Room}-{job.Style}".Replace('_', '-');

    internal static string Extension(string mediaType) => mediaType switch
    {
        ImageMediaType.Jpeg => ".jpg",
        ImageMediaType.Png => ".png",
        ImageMediaType.WebP => ".webp",
        _ => ".bin",
    };
}
