using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using HomeStage.Staging.Attempts;

namespace HomeStage.Staging.Stagings;

/// <summary>A staging as its owner sees it.</summary>
/// <param name="Id">The staging.</param>
/// <param name="Status">What it is doing, or what became of it.</param>
/// <param name="Room">As it was asked for.</param>
/// <param name="Style">As it was asked for.</param>
/// <param name="Quality">As it was asked for.</param>
/// <param name="Declutter">As it was asked for.</param>
/// <param name="Prompt">The customer's own words.</param>
/// <param name="Variations">Pictures asked for.</param>
/// <param name="Format">What the pictures' files are.</param>
/// <param name="Size">What the model was asked to draw at; null for the nearest in shape to the photo.</param>
/// <param name="Seed">As it was asked for.</param>
/// <param name="SourceId">The staging whose photo was used again.</param>
/// <param name="ListingId">The listing that it belongs to.</param>
/// <param name="Cost">What it costs when everything is delivered.</param>
/// <param name="CreatedAt">When it was submitted.</param>
/// <param name="StartedAt">When a worker began.</param>
/// <param name="FinishedAt">When it ended.</param>
/// <param name="EtaSeconds">How long it will usually take from now; null once it has ended.</param>
/// <param name="PollAfterSeconds">When to ask again, for whoever does not follow the events; null once it has ended.</param>
/// <param name="Attempt">How often a worker was asked.</param>
/// <param name="Phase">Of a running one: <c>preparing</c>, <c>rendering</c>, <c>finishing</c>, <c>waiting</c>.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Images">The pictures that there are.</param>
/// <param name="Receipt">What was charged; null until it has ended.</param>
/// <param name="Urls">What can be done next.</param>
internal sealed record StagingView(
    Guid Id,
    [property: AllowedValues("queued", "running", "succeeded", "failed", "canceled")] string Status,
    string Room,
    string Style,
    string Quality,
    bool Declutter,
    string? Prompt,
    int Variations,
    string Format,
    string? Size,
    int? Seed,
    Guid? SourceId,
    Guid? ListingId,
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

/// <summary>What a staging costs when everything is delivered.</summary>
/// <param name="Credits">0 for a free one.</param>
/// <param name="Free">Whether the free allowance pays.</param>
internal sealed record CostView(int Credits, bool Free);

/// <summary>Why a staging failed.</summary>
/// <param name="Code">For programs, such as <c>moderation_blocked</c>, <c>provider_rejected</c>, <c>deadline_exceeded</c>.</param>
/// <param name="Message">For people.</param>
/// <param name="Billed">Whether anything was charged.</param>
internal sealed record ErrorView(string Code, string Message, bool Billed);

/// <summary>One picture.</summary>
/// <param name="N">Counts from 1.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="MediaType">Its type.</param>
/// <param name="Urls">Where it is.</param>
internal sealed record ImageView(int N, int Width, int Height, string MediaType, ImageUrls Urls);

/// <summary>Where a picture is.</summary>
/// <param name="Clean">Without words; a free one has none.</param>
/// <param name="Labeled">With the words "Virtually staged".</param>
/// <param name="Thumb">Small.</param>
/// <param name="Disclosure">PUT publishes it beside its original.</param>
internal sealed record ImageUrls([property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Clean, string Labeled, string Thumb, string Disclosure);

/// <summary>What a staging came to, in credits.</summary>
/// <param name="Held">What was set aside.</param>
/// <param name="Captured">What of it was charged.</param>
/// <param name="Released">What was given back.</param>
/// <param name="Why">Why, for people.</param>
internal sealed record ReceiptView(int Held, int Captured, int Released, string Why);

/// <summary>What can be done with a staging.</summary>
/// <param name="Self">Ask how it is.</param>
/// <param name="Events">Follow it.</param>
/// <param name="Cancel">Cancel it; null once it is over.</param>
/// <param name="Regenerate">Have the same photo furnished again, with other choices.</param>
/// <param name="Original">Its photo.</param>
internal sealed record StagingUrls(string Self, string Events, string? Cancel, string Regenerate, string Original);

/// <summary>Makes views of jobs.</summary>
internal sealed class StagingViews(Durations durations, TimeProvider time)
{
    internal static readonly JsonSerializerOptions Json = JsonSerializerOptions.Web;
    internal const int PollAfterSeconds = 2;

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
            job.Format,
            job.Size,
            job.Seed,
            job.SourceId,
            job.ListingId,
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
            new StagingUrls(Url(job), Url(job) + "/events", job.IsTerminal ? null : Url(job) + "/cancel", Url(job) + "/regenerate", Url(job) + "/original"));
    }

    internal static string Url(Job job) => $"/api/v1/stagings/{job.Id}";

    internal static IReadOnlyList<ImageView> Images(Job job) =>
    [
        .. job.Pictures.Select((picture, index) =>
        {
            var image = $"{Url(job)}/images/{index + 1}";
            var url = image + "?variant=";
            return new ImageView(index + 1, picture.Width, picture.Height, picture.MediaType,
                new ImageUrls(job.Free == true ? null : url + "clean", url + "labeled", url + "thumb", image + "/disclosure"));
        }),
    ];

    internal static ErrorView? Error(Job job) =>
        job.ErrorCode is { } code ? new ErrorView(code, FailureMessages.Of(code), Billed: job.CreditsUsed > 0 && job.Free != true) : null;

    internal static ReceiptView? Receipt(Job job)
    {
        if (!job.IsTerminal)
            return null;
        var pictures = job.Pictures.Length;
        var why = job.Free == true
            ? $"{pictures} of {job.Variations} free stagings used"
            : pictures == 0
                ? "nothing was delivered, nothing was charged"
                : $"{pictures} of {job.Variations} pictures delivered at {job.Price} {(job.Price == 1 ? "credit" : "credits")} each";
        return new ReceiptView(job.Held, job.Captured, job.Held - job.Captured, why);
    }

    private int Remaining(Job job, TimeSpan usual)
    {
        var passed = job.QueuedAt is { } queued ? time.GetUtcNow() - queued : TimeSpan.Zero;
        // Another job of its listing takes as long before it.
        return Math.Max(1, (int)Math.Ceiling(((job.Waits ? 2 * usual : usual) - passed).TotalSeconds));
    }
}

/// <summary>The data of a job's events.</summary>
internal static class EventBody
{
    internal static string Of(Job job, DateTimeOffset at) => JsonSerializer.Serialize(
        new StagingEventView(
            job.Id,
            job.ListingId,
            job.PublicStatus,
            at,
            job.Phase,
            job.Attempt == 0 ? null : job.Attempt,
            job.PreviewBlob is null ? null : $"{StagingViews.Url(job)}/preview?v={job.LastEvent}",
            job.Pictures.IsEmpty ? null : StagingViews.Images(job),
            StagingViews.Error(job)),
        StagingViews.Json);
}

/// <summary>An event of a staging. What there is nothing to say of is left out.</summary>
/// <param name="JobId">The staging.</param>
/// <param name="ListingId">The listing that it belongs to.</param>
/// <param name="Status">As of the staging.</param>
/// <param name="At">When it happened.</param>
/// <param name="Phase">Of a running one: <c>preparing</c>, <c>rendering</c>, <c>finishing</c>, <c>waiting</c>.</param>
/// <param name="Attempt">How often a worker was asked.</param>
/// <param name="PreviewUrl">A small picture of what there is so far.</param>
/// <param name="Images">The pictures that there are.</param>
/// <param name="Error">Why it failed.</param>
internal sealed record StagingEventView(
    Guid JobId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Guid? ListingId,
    [property: AllowedValues("queued", "running", "succeeded", "failed", "canceled")] string Status,
    DateTimeOffset At,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Phase,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Attempt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PreviewUrl,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<ImageView>? Images,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ErrorView? Error);

/// <summary>What an account's stream begins with.</summary>
/// <param name="Jobs">All stagings that have not ended and the 20 newest.</param>
/// <param name="LastEvent">The number of the last event that it includes.</param>
internal sealed record AccountSnapshotView(IReadOnlyList<StagingView> Jobs, long LastEvent);

/// <summary>An event that only says when.</summary>
/// <param name="At">When.</param>
internal sealed record MomentView(DateTimeOffset At);

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
        "insufficient_credits" or "free_exhausted" or "free_blocked" => "There were not enough credits. Nothing was charged.",
        "key_cap_reached" => "The monthly credits of the API key did not suffice. Nothing was charged.",
        "key_ended" => "The API key was revoked or has expired. Nothing was charged.",
        "account_frozen" => "The account is on hold. Nothing was charged. Write to support to learn why.",
        "conflict" => "It had ended before it could be paid for. Nothing was charged.",
        _ => "The image provider could not deliver a picture. Nothing was charged. Try again later.",
    };
}
