namespace HomeStage.Catalog;

/// <summary>What one image model takes at <c>POST /images/edits</c>, and what it costs us.</summary>
public sealed record ImageModel
{
    /// <summary>The result's format unless asked. JPEG at the provider's default compression of 100 is there sooner than PNG.</summary>
    public const string DefaultFormat = "jpeg";

    /// <summary>Its name on the wire.</summary>
    public required string Name { get; init; }

    /// <summary>Sizes that it is asked for; unless asked, the one nearest in shape to the photo is taken.</summary>
    public required IReadOnlyList<PictureSize> Sizes { get; init; }

    /// <summary>The provider's word for each of the <see cref="Catalogue.Qualities"/> that it has.</summary>
    public required IReadOnlyDictionary<string, string> Qualities { get; init; }

    /// <summary>Values of <c>output_format</c> that it takes.</summary>
    public required IReadOnlyList<string> Formats { get; init; }

    /// <summary>Value of <c>input_fidelity</c>; null where the parameter must be left out.</summary>
    public string? InputFidelity { get; init; }

    /// <summary>How many partial images to ask for while a picture is in the making, 0 to 3. Each is charged by the provider.</summary>
    public int PartialImages { get; init; }

    /// <summary>Pictures that one call may show it; with two or more it can be shown what the result is to resemble.</summary>
    public int InputImages { get; init; } = 1;

    /// <summary>Whether it takes a <c>seed</c>.</summary>
    public bool Seed { get; init; }

    /// <summary>US dollars for a picture, by our quality and by size; empty where the provider names no such price.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, decimal>> Prices { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, decimal>>(StringComparer.Ordinal);

    /// <summary>The size nearest in shape to the photo; the crop that follows then loses least.</summary>
    /// <param name="photoWidth">Pixels.</param>
    /// <param name="photoHeight">Pixels.</param>
    public PictureSize SizeFor(int photoWidth, int photoHeight)
    {
        var shape = Math.Log((double)photoWidth / photoHeight);
        return Sizes.MinBy(size => Math.Abs(Math.Log((double)size.Width / size.Height) - shape))!;
    }

    /// <summary>What pictures cost us, in millionths of a US dollar; null where no price is configured.</summary>
    /// <param name="quality">Our quality.</param>
    /// <param name="size">Their size.</param>
    /// <param name="pictures">How many.</param>
    public long? CostOf(string quality, PictureSize size, int pictures)
    {
        ArgumentNullException.ThrowIfNull(size);
        return Prices.TryGetValue(quality, out var sizes) && sizes.TryGetValue(size.ToString(), out var price)
            ? (long)Math.Ceiling(price * pictures * 1_000_000)
            : null;
    }
}

/// <summary>A size in pixels as the provider is asked for it.</summary>
public sealed record PictureSize(int Width, int Height)
{
    /// <summary>The size that a text such as <c>1536x1024</c> names; null if it names none.</summary>
    public static PictureSize? Parse(string? text)
    {
        var sides = text?.Split('x');
        return sides is [var across, var down] && Side(across) is { } width && Side(down) is { } height ? new PictureSize(width, height) : null;

        static int? Side(string digits) =>
            digits is { Length: > 0 and <= 5 } && digits[0] != '0' && digits.All(char.IsAsciiDigit) ? int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Width}x{Height}";
}
