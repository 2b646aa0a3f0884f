namespace HomeStage.Simulators.OpenAI;

internal sealed record TokenDetails(int ImageTokens, int TextTokens);

/// <summary>What the provider says a call cost, in tokens.</summary>
internal sealed record Usage(int TotalTokens, int InputTokens, int OutputTokens, TokenDetails InputTokensDetails, TokenDetails OutputTokensDetails)
{
    private const int TokensPerPartialImage = 100;

    /// <summary>Counts as OpenAI's image guide does: tiles of 512 for what comes in, quality and area for what goes out.</summary>
    public static Usage Of(ImageEdit edit, int images)
    {
        var text = (edit.Prompt.Length + 3) / 4;
        var inputImages = edit.Images.Sum(image => TokensIn(image.Header, edit.HighFidelity));
        var output = images * (TokensOut(edit.Quality, edit.Size) + (edit.PartialImages * TokensPerPartialImage));
        return new Usage(text + inputImages + output, text + inputImages, output, new TokenDetails(inputImages, text), new TokenDetails(output, 0));
    }

    private static int TokensIn(ImageHeader photo, bool highFidelity)
    {
        var scale = 512.0 / Math.Min(photo.Width, photo.Height);
        var tiles = Tiles(photo.Width * scale) * Tiles(photo.Height * scale);
        var extra = photo.Width == photo.Height ? 4160 : 6240;
        return 65 + (129 * tiles) + (highFidelity ? extra : 0);
    }

    private static int Tiles(double side) => Math.Max(1, (int)Math.Ceiling(side / 512 - 0.01));

    private static int TokensOut(string quality, ImageSize size)
    {
        var square = quality switch { "low" => 272, "medium" => 1056, "high" => 4160, _ => 6240 };
        return (int)Math.Round(square * (double)size.Width * size.Height / (1024 * 1024));
    }
}
