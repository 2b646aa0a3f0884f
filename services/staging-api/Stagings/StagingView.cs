using System.Text.Json;
using System.Text.Json.Serialization;
using HomeStage.Staging.Attempts;

namespace HomeStage.Staging.Stagings;

/// <summary>A job as its owner sees it.</summary>
internal sealed record StagingView(
    Guid Id,
    string Status,
    string Room,
    string Style,
    string Quality,
    bool Declutter,
    string? Prompt,
    int Variations,
    CostView Cost,
    DateTimeOffset CreatedAt,
    DateTimeOffset? StartedAt,
    DateTimeOffset? FinishedAt,
    int? EtaSeconds,
    int? PollAfterSeconds,
    int Attempt,
    string? Phase,
    ErrorView? Error,
    IReadOnlyList<ImageView> Images,
    ReceiptView? Receipt,
    StagingUrls Urls)
{
    /// <summary>Only in a stream's snapshot: the number of the last event that it includes.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? LastEvent { get; init; }
}

/// <summary>What it costs when everything is delivered; <paramref name="Credits"/> is 0 for a free one.</summary>
internal sealed record CostView(int Credits, bool Free);

/// <summary>Why it failed; <paramref name="Billed"/> says whether anything was charged.</summary>
internal sealed record ErrorView(string Code, string Message, bool Billed);

/// <summary>One picture; <paramref name="N"/> counts from 1.</summary>
internal sealed record ImageView(int N, int Width, int Height, string MediaType, ImageUrls Urls);

/// <summary>Where a picture is; a free one has no clean variant.</summary>
internal sealed record ImageUrls([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Clean, string Labeled, string Thumb);

/// <summary>What was held, what of it was charged and what given back, in credits, and why.</summary>
internal sealed record ReceiptView(int Held, int Captured, int Released, string Why);

/// <summary>What can be done next; <paramref name="Cancel"/> is null once it is over.</summary>
internal sealed record StagingUrls(string Self, string Events, string? Cancel, string Original);

/// <summary>Makes views of jobs.</summary>
internal sealed class StagingViews(Durations durations, TimeProvider time)
{
    internal static readonly JsonSerializerOptions Json = JsonSerializerOptions.Web;
    private const int PollAfterSeconds = 2;

    internal async Task<StagingView> OfAsync(Job job, CancellationToken cancellationToken)
    {
        int? eta = job.IsTerminal ? null : Remaining(job, await durations.OfAsync(job.Quality, cancellationToken));
        return new StagingView(
            job.Id,
            job.PublicStatus,
            job.Room,
            job.Style,
            job.Quality,
            job.Declutter,
            job.Words,
            job.Variations,
            new CostView(job.Free == true ? 0 : job.Price * job.Variations, job.Free == true),
            job.CreatedAt,
            job.StartedAt,
            job.FinishedAt,
            eta,
            job.IsTerminal ? null : PollAfterSeconds,
            job.Attempt,
            job.Phase,
            Error(job),
            Images(job),
            Receipt(job),
            new StagingUrls(Url(job), Url(job) + "/events", job.IsTerminal ? null : Url(job) + "/cancel", Url(job) + "/original"));
    }

    internal static string Url(Job job) => $"/api/v1/stagings/{job.Id}";

    internal static IReadOnlyList<ImageView> Images(Job job) =>
    [
        .. job.Pictures.Select((picture, index) =>
        {
            var url = $"{Url(job)}/images/{index + 1}?variant=";
            return new ImageView(index + 1, picture.Width, picture.Height, picture.MediaType,
                new ImageUrls(job.Free == true ? null : url + "clean", url + "labeled", url + "thumb"));
        }),
    ];

    internal static ErrorView? Error(Job job) =>
        job.ErrorCode is { } code ? new ErrorView(code, FailureMessages.Of(code), Billed: job.CreditsUsed > 0 && job.Free != true) : null;

    private static ReceiptView? Receipt(Job job)
    {
        if (job.CreditsUsed is not { } used)
            return null;
        var pictures = job.Pictures.Length;
        var captured = job.Free == true ? 0 : used;
        var why = job.Free == true
            ? $"{pictures} of {job.Variations} free stagings used"
            : pictures == 0
                ? "nothing was delivered, nothing was charged"
                : $"{pictures} of {job.Variations} pictures delivered at {job.Price} {(job.Price == 1 ? "credit" : "credits")} each";
        return new ReceiptView(job.Held, captured, job.Held - captured, why);
    }

    private int Remaining(Job job, TimeSpan usual)
    {
        var passed = job.QueuedAt is { } queued ? time.GetUtcNow() - queued : TimeSpan.Zero;
        return Math.Max(1, (int)Math.Ceiling((usual - passed).TotalSeconds));
    }
}

/// <summary>The data of a job's events.</summary>
internal static class EventBody
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    internal static string Of(Job job, DateTimeOffset at) => JsonSerializer.Serialize(
        new
        {
            jobId = job.Id,
            status = job.PublicStatus,
            at,
            phase = job.Phase,
            attempt = job.Attempt == 0 ? (int?)null : job.Attempt,
            previewUrl = job.PreviewBlob is null ? null : $"{StagingViews.Url(job)}/preview?v={job.LastEvent}",
            images = job.Pictures.IsEmpty ? null : StagingViews.Images(job),
            error = StagingViews.Error(job),
        },
        Json);
}

/// <summary>What is said to people about a job that failed; never the provider's words.</summary>
internal static class FailureMessages
{
    internal static string Of(string code) => code switch
    {
        "moderation_blocked" => "The image provider's safety rules refused this photo or these words. Nothing was charged. Change the words or use another photo.",
        "provider_rejected" => "The image provider cannot work with this request. Nothing was charged. Try another photo or other options.",
        "deadline_exceeded" => "It took longer than 15 minutes and was given up. Nothing was charged. Try again later.",
        "submission_interrupted" => "The submission was interrupted before it was queued. Nothing was charged. Submit it again.",
        "interrupted" => "The rendering was interrupted too often. Nothing was charged. Try again later.",
        "insufficient_credits" or "free_exhausted" => "There were not enough credits. Nothing was charged.",
        _ => "The image provider could not deliver a picture. Nothing was charged. Try again later.",
    };
}
