using System.Text.Json;
using HomeStage.Contracts;
using HomeStage.Imaging;
using HomeStage.Imaging.Outputs;
using HomeStage.Storage;
using Polly;
using Polly.Retry;

namespace HomeStage.Worker.Outputs;

/// <summary>A job's files in the store: the photo, and what attempts made of it under <c>{job}/{attempt}/</c>.</summary>
internal sealed partial class JobFiles(IBlobStore blobs, TimeProvider time, ILogger<JobFiles> logger)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    // The pictures are paid for: a store that stumbles gets some seconds before they are given up.
    private readonly ResiliencePipeline _patiently = new ResiliencePipelineBuilder { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<IOException>(),
            MaxRetryAttempts = 5,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(200),
        })
        .Build();

    /// <summary>The photo; null when it is gone.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public Task<byte[]?> PhotoAsync(string key, CancellationToken cancellationToken) => blobs.ReadAsync(key, cancellationToken);

    /// <summary>Stores one picture in its variants.</summary>
    /// <exception cref="IOException">The store cannot be reached or is full.</exception>
    public async Task<RenderedPicture> SaveAsync(Guid jobId, int attempt, int number, StagedImages images, CancellationToken cancellationToken)
    {
        var prefix = $"{jobId}/{attempt}/{number}-";
        return new RenderedPicture
        {
            CleanBlob = await PutAsync(prefix + "clean", images.Clean, cancellationToken),
            LabeledBlob = await PutAsync(prefix + "labeled", images.Labeled, cancellationToken),
            ThumbBlob = await PutAsync(prefix + "thumb", images.Thumb, cancellationToken),
            Width = images.Clean.Width,
            Height = images.Clean.Height,
            MediaType = images.Clean.MediaType,
        };
    }

    /// <summary>Stores a preview, without patience.</summary>
    /// <exception cref="IOException">The store cannot be reached or is full.</exception>
    public async Task<string> SavePreviewAsync(Guid jobId, int attempt, int number, EncodedImage preview, CancellationToken cancellationToken)
    {
        var key = $"{jobId}/{attempt}/preview-{number}{Extension(preview.MediaType)}";
        await blobs.PutAsync(key, preview.Bytes, preview.MediaType, cancellationToken);
        return key;
    }

    /// <summary>Says that all files of an attempt are there.</summary>
    /// <exception cref="IOException">The store cannot be reached or is full.</exception>
    public Task SaveAsync(Manifest manifest, CancellationToken cancellationToken) =>
        PutAsync(ManifestKey(manifest.JobId, manifest.Attempt), JsonSerializer.SerializeToUtf8Bytes(manifest, Json), "application/json", cancellationToken);

    /// <summary>The manifests of a job up to and with an attempt.</summary>
    /// <exception cref="IOException">The store cannot be reached.</exception>
    public async Task<IReadOnlyList<Manifest>> ManifestsAsync(Guid jobId, int attempt, CancellationToken cancellationToken)
    {
        var manifests = new List<Manifest>();
        for (var earlier = 1; earlier <= attempt; earlier++)
        {
            if (await blobs.ReadAsync(ManifestKey(jobId, earlier), cancellationToken) is { } bytes && Parse(jobId, earlier, bytes) is { } manifest)
                manifests.Add(manifest);
        }

        return manifests;
    }

    private static string ManifestKey(Guid jobId, int attempt) => $"{jobId}/{attempt}/result.json";

    private Manifest? Parse(Guid jobId, int attempt, byte[] bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<Manifest>(bytes, Json);
        }
        catch (JsonException)
        {
            Log.Unreadable(logger, jobId, attempt);
            return null;
        }
    }

    private Task<string> PutAsync(string name, EncodedImage image, CancellationToken cancellationToken) =>
        PutAsync(name + Extension(image.MediaType), image.Bytes, image.MediaType, cancellationToken);

    private static string Extension(string mediaType) => mediaType switch
    {
        ImageMediaType.Png => ".png",
        ImageMediaType.WebP => ".webp",
        _ => ".jpg",
    };

    private async Task<string> PutAsync(string key, byte[] bytes, string mediaType, CancellationToken cancellationToken)
    {
        await _patiently.ExecuteAsync(async token => await blobs.PutAsync(key, bytes, mediaType, token), cancellationToken);
        return key;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The manifest of job {JobId}, attempt {Attempt} is unreadable", EventName = "manifest_unreadable")]
        public static partial void Unreadable(ILogger logger, Guid jobId, int attempt);
    }
}
