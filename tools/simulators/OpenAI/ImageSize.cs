using System.Text.RegularExpressions;

namespace HomeStage.Simulators.OpenAI;

/// <summary>A size of the picture asked for, in pixels.</summary>
internal sealed partial record ImageSize(int Width, int Height)
{
    private const int MaxEdge = 3840;
    private const int MinPixels = 655_360;
    private const int MaxPixels = 8_294_400;

    private static readonly ImageSize[] Standard = [new(1024, 1024), new(1536, 1024), new(1024, 1536)];

    public override string ToString() => $"{Width}x{Height}";

    /// <summary><c>auto</c>: the standard size that is nearest in shape to the first image.</summary>
    public static ImageSize For(ImageHeader photo)
    {
        var shape = Math.Log((double)photo.Width / photo.Height);
        return Standard.MinBy(size => Math.Abs(Math.Log((double)size.Width / size.Height) - shape))!;
    }

    public static ImageSize Parse(string text, ImageModel model)
    {
        foreach (var standard in Standard)
        {
            if (text == standard.ToString())
                return standard;
        }
        var match = Pattern().Match(text);
        if (!model.FreeSizes || !match.Success)
            throw Refuse($"Invalid value: '{text}'. Supported values are: '1024x1024', '1024x1536', '1536x1024', and 'auto'.", "invalid_value");
        var size = new ImageSize(int.Parse(match.Groups["width"].Value), int.Parse(match.Groups["height"].Value));
        if (size.Width % 16 != 0 || size.Height % 16 != 0)
            throw Refuse($"Invalid size '{text}'. Width and height must both be divisible by 16.", "invalid_value");
        if (size.Width > 3 * size.Height || size.Height > 3 * size.Width)
            throw Refuse($"Invalid size '{text}'. The aspect ratio must be between 1:3 and 3:1.", "invalid_value");
        if (Math.Max(size.Width, size.Height) > MaxEdge || size.Width * size.Height is < MinPixels or > MaxPixels)
            throw Refuse($"Invalid size '{text}'. The longest edge must be at most {MaxEdge} pixels and the area {MinPixels} to {MaxPixels} pixels.", "invalid_value");
        return size;
    }

    private static OpenAiException Refuse(string message, string code) => OpenAiException.Invalid(message, "size", code);

    [GeneratedRegex("^(?<width>[1-9][0-9]{1,4})x(?<height>[1-9][0-9]{1,4})$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
