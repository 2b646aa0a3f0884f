namespace HomeStage.Worker.Provider;

/// <summary>A size in pixels as the provider is asked for it.</summary>
internal sealed record PictureSize(int Width, int Height)
{
    public override string ToString() => $"{Width}x{Height}";
}

/// <summary>What one model takes at <c>POST /images/edits</c>.</summary>
internal sealed record ImageModel
{
    /// <summary>Its name on the wire.</summary>
    public required string Name { get; init; }

    /// <summary>Sizes that it is asked for; the nearest in shape to the photo is taken.</summary>
    public required IReadOnlyList<PictureSize> Sizes { get; init; }

    /// <summary>The provider's word for each of our qualities.</summary>
    public required IReadOnlyDictionary<string, string> Qualities { get; init; }

    /// <summary>Value of <c>input_fidelity</c>; null where the parameter must be left out.</summary>
    public string? InputFidelity { get; init; }

    /// <summary>Value of <c>output_format</c>. JPEG at the provider's default compression of 100 is there sooner than PNG.</summary>
    public string OutputFormat { get; init; } = "jpeg";

    /// <summary>The size nearest in shape to the photo; the crop that follows then loses least.</summary>
    internal PictureSize SizeFor(int photoWidth, int photoHeight)
    {
        var shape = Math.Log((double)photoWidth / photoHeight);
        return Sizes.MinBy(size => Math.Abs(Math.Log((double)size.Width / size.Height) - shape))!;
    }
}

/// <summary>The models that may be configured. Source: OpenAI's API reference for image edits, as its npm package 7.57.0 documents it.</summary>
internal static class ImageModels
{
    private static readonly IReadOnlyList<PictureSize> Standard = [new(1024, 1024), new(1536, 1024), new(1024, 1536)];

    // These models take any multiples of 16; the shapes of common cameras are enough.
    private static readonly IReadOnlyList<PictureSize> Wide =
        [.. Standard, new(1408, 1056), new(1056, 1408), new(1536, 864), new(864, 1536), new(1920, 960), new(960, 1920)];

    private static readonly IReadOnlyDictionary<string, string> Qualities = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["draft"] = "low",
        ["standard"] = "medium",
        ["high"] = "high",
    };

    private static readonly IReadOnlyDictionary<string, ImageModel> All = new ImageModel[]
    {
        new() { Name = "gpt-image-1-mini", Sizes = Standard, Qualities = Qualities },
        new() { Name = "gpt-image-1.5", Sizes = Standard, Qualities = Qualities, InputFidelity = "high" },
        new() { Name = "chatgpt-image-latest", Sizes = Standard, Qualities = Qualities, InputFidelity = "high" },
        new() { Name = "gpt-image-2", Sizes = Wide, Qualities = Qualities },
        new() { Name = "gpt-image-2.5-sunburst", Sizes = Wide, Qualities = Qualities },
        new() { Name = "gpt-image-2.5-flare", Sizes = Wide, Qualities = Qualities },
    }.ToDictionary(model => model.Name, StringComparer.Ordinal);

    internal static IEnumerable<string> Names => All.Keys;

    internal static ImageModel? Find(string name) => All.GetValueOrDefault(name);
}
