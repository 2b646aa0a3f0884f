namespace HomeStage.Staging.Photos;

/// <summary>A photo uploaded ahead of its staging. Jobs copy it, so it may go when it expires.</summary>
internal sealed record Photo
{
    public required Guid Id { get; init; }

    public required Guid AccountId { get; init; }

    public required string Blob { get; init; }

    /// <summary>Of the stored file, lower-case hex.</summary>
    public required string Sha256 { get; init; }

    public required int Width { get; init; }

    public required int Height { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }
}
