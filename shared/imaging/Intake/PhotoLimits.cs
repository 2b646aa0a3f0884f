namespace HomeStage.Imaging.Intake;

/// <summary>What a photo may be. The defaults are the product's (design section 8).</summary>
public sealed record PhotoLimits
{
    /// <summary>The product's limits.</summary>
    public static PhotoLimits Default { get; } = new();

    /// <summary>Largest file, in bytes. 20 MB.</summary>
    public int MaxBytes { get; init; } = 20_000_000;

    /// <summary>Shortest side accepted, in pixels.</summary>
    public int MinSide { get; init; } = 256;

    /// <summary>Longest side accepted, in pixels.</summary>
    public int MaxSide { get; init; } = 12_000;

    /// <summary>Most pixels accepted. 50 million.</summary>
    public long MaxPixels { get; init; } = 50_000_000;

    /// <summary>Longest side kept, in pixels; larger photos are scaled down to it.</summary>
    public int KeptSide { get; init; } = 3840;
}
