namespace HomeStage.Contracts;

/// <summary>How a room is to be staged, as the customer chose it.</summary>
public sealed record StagingOptions
{
    /// <summary>The room's id in the catalogue, e.g. <c>living_room</c>.</summary>
    public required string Room { get; init; }

    /// <summary>The style's id in the catalogue, e.g. <c>scandinavian</c>.</summary>
    public required string Style { get; init; }

    /// <summary><c>draft</c>, <c>standard</c> or <c>high</c>.</summary>
    public required string Quality { get; init; }

    /// <summary>Whether what stands in the room is removed first.</summary>
    public bool Declutter { get; init; }

    /// <summary>The customer's own words, treated as data.</summary>
    public string? Words { get; init; }

    /// <summary>What the files are to be: <c>jpeg</c>, <c>png</c> or <c>webp</c>; null is <c>jpeg</c>.</summary>
    public string? Format { get; init; }

    /// <summary>The size that the provider is asked for, e.g. <c>1536x1024</c>; null for the one nearest in shape to the photo.</summary>
    public string? Size { get; init; }

    /// <summary>The seed, where the model takes one.</summary>
    public int? Seed { get; init; }
}

/// <summary>Work for one attempt at a job. The worker claims the job before it spends anything.</summary>
public sealed record StageRoom
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The attempt, counted from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>Blob key of the photo as it was taken in.</summary>
    public required string OriginalBlob { get; init; }

    /// <summary>Width of that photo in pixels.</summary>
    public required int PhotoWidth { get; init; }

    /// <summary>Height of that photo in pixels.</summary>
    public required int PhotoHeight { get; init; }

    /// <summary>The customer's choices.</summary>
    public required StagingOptions Options { get; init; }

    /// <summary>Version of the prompt rules that the job was accepted under.</summary>
    public required int PromptVersion { get; init; }

    /// <summary>Whether the photo is one of several of the same home, which are to look as if one hand had furnished them.</summary>
    public bool OfSeveral { get; init; }

    /// <summary>Blob key of a finished picture of another room of that home, to show what its furniture looks like; null if there is none.</summary>
    public string? ReferenceBlob { get; init; }

    /// <summary>How many pictures are still missing.</summary>
    public required int VariationsMissing { get; init; }

    /// <summary>Keyed hash of the account, for the provider's abuse handling; tells nothing about the person.</summary>
    public required string SafetyId { get; init; }
}

/// <summary>An attempt reached another phase.</summary>
public sealed record RenderProgressed
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary><c>preparing</c>, <c>rendering</c> or <c>finishing</c>.</summary>
    public required string Phase { get; init; }

    /// <summary>Blob key of a labelled preview of at most 512 pixels, if there is one.</summary>
    public string? PreviewBlob { get; init; }
}

/// <summary>One finished picture in its variants.</summary>
public sealed record RenderedPicture
{
    /// <summary>Blob key of the picture without a label.</summary>
    public required string CleanBlob { get; init; }

    /// <summary>Blob key of the picture that says that it is virtually staged.</summary>
    public required string LabeledBlob { get; init; }

    /// <summary>Blob key of the thumbnail.</summary>
    public required string ThumbBlob { get; init; }

    /// <summary>Width of the clean and labelled pictures in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the clean and labelled pictures in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>Media type by content, of the clean and labelled pictures; the thumbnail is a JPEG.</summary>
    public required string MediaType { get; init; }
}

/// <summary>What the provider said about one call; for our own cost figures.</summary>
public sealed record ProviderUsage
{
    /// <summary>The model that answered.</summary>
    public required string Model { get; init; }

    /// <summary>The provider's id of the request, if it gave one.</summary>
    public string? RequestId { get; init; }

    /// <summary>Tokens read, if the provider counts them.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Tokens written, if the provider counts them.</summary>
    public long? OutputTokens { get; init; }

    /// <summary>From sending the request to having read the answer, or to its failure, in milliseconds.</summary>
    public required long DurationMilliseconds { get; init; }

    /// <summary>What the tokens cost at the configured prices, in millionths of a US dollar; null where tokens or prices are not known.</summary>
    public long? CostMicrodollars { get; init; }
}

/// <summary>An attempt delivered pictures: all that were missing, or some.</summary>
public sealed record RoomStaged
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>The pictures, in the provider's order.</summary>
    public required IReadOnlyList<RenderedPicture> Outputs { get; init; }

    /// <summary>The provider's figures.</summary>
    public required ProviderUsage Usage { get; init; }
}

/// <summary>An attempt ended without pictures.</summary>
public sealed record StagingFailed
{
    /// <summary>The job.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>A stable code of ours, e.g. <c>moderation_blocked</c>; never the provider's text.</summary>
    public required string Code { get; init; }

    /// <summary>Whether another attempt may succeed.</summary>
    public required bool Retryable { get; init; }

    /// <summary>Whether the provider may have charged for it; only such attempts count towards the budget.</summary>
    public required bool MayHaveCost { get; init; }

    /// <summary>How long the provider asked to wait, in seconds.</summary>
    public double? RetryAfterSeconds { get; init; }

    /// <summary>The provider's figures; null if it was not called.</summary>
    public ProviderUsage? Usage { get; init; }
}

/// <summary>The one decision about a job's hold: capture <see cref="CreditsUsed"/>, release the rest.</summary>
public sealed record StagingSettled
{
    /// <summary>The job, which is the hold's id.</summary>
    public required Guid JobId { get; init; }

    /// <summary>The account that submitted it.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>Credits for what was delivered; 0 releases all.</summary>
    public required int CreditsUsed { get; init; }

    /// <summary><c>succeeded</c>, <c>failed</c> or <c>canceled</c>.</summary>
    public required string Outcome { get; init; }
}
