using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Intake;

/// <summary>A photo as it is kept: upright sRGB pixels and nothing else.</summary>
/// <param name="Image">The JPEG to store.</param>
/// <param name="SourceMediaType">The type of the file that was sent.</param>
public sealed record PhotoResult(EncodedImage Image, string SourceMediaType)
{
    /// <summary>Width in pixels, upright.</summary>
    public int Width => Image.Width;

    /// <summary>Height in pixels, upright.</summary>
    public int Height => Image.Height;
}

/// <summary>
/// The one door for pictures from outside. Whatever comes in, what goes on is a JPEG made here from bare pixels: no
/// metadata (GPS!), no trailing data, no second reading of the file is possible.
/// </summary>
public static class PhotoIntake
{
    /// <summary>
    /// The memory that a decode takes for each pixel. An interlaced PNG of 16 bits and four channels takes most, since it is held whole: 528 MB
    /// were measured for 50 megapixels.
    /// </summary>
    public const long MostBytesPerPixel = 11;

    private const int Quality = 90;

    /// <summary>
    /// Checks and normalises one photo. Type, structure and size are decided on the file's headers, before any pixel is
    /// decoded. Thread-safe; up to <see cref="MostBytesPerPixel"/> are taken while it runs, so callers bound how many run at once.
    /// </summary>
    /// <param name="file">The whole file.</param>
    /// <param name="limits">What is accepted; the product's limits when null.</param>
    /// <exception cref="PhotoRejectedException">It is not accepted; says why, to a program and to a person.</exception>
    public static PhotoResult Read(byte[] file, PhotoLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        limits ??= PhotoLimits.Default;

        if (file.Length > limits.MaxBytes)
            throw new PhotoRejectedException(PhotoRejection.TooManyBytes, $"The photo has {file.Length / 1e6:0.0} MB; at most {limits.MaxBytes / 1e6:0.#} MB can be taken.");
        var mediaType = AcceptedType(file);
        CheckStructure(PhotoStructure.Of(file, mediaType), file);

        try
        {
            using var header = Vips.Image(Loader(mediaType), ("buffer", file));
            CheckSize(header.Width, header.Height, limits);
            using var upright = Decode(file, limits.KeptSide, header.HasProfile);
            using var pixels = upright.PixelsAlone();
            var jpeg = Vips.Bytes("jpegsave_buffer", ("in", pixels), ("Q", Quality), ("optimize-coding", true), ("strip", true));
            return new PhotoResult(new EncodedImage(jpeg, pixels.Width, pixels.Height, ImageMediaType.Jpeg), mediaType);
        }
        catch (VipsException)
        {
            throw new PhotoRejectedException(PhotoRejection.Damaged, "The photo is damaged and cannot be read. Save or export it again and send the new file.");
        }
    }

    private static string AcceptedType(byte[] file)
    {
        var mediaType = ImageMediaType.Of(file);
        return mediaType switch
        {
            ImageMediaType.Jpeg or ImageMediaType.Png or ImageMediaType.WebP => mediaType,
            null => throw new PhotoRejectedException(PhotoRejection.NotAnImage, "This is not a picture. Send a photo as JPEG, PNG or WebP."),
            _ => throw new PhotoRejectedException(PhotoRejection.UnsupportedType, UnsupportedTypes.Advice(mediaType)),
        };
    }

    private static void CheckStructure(PhotoStructure structure, byte[] file)
    {
        switch (structure.Verdict)
        {
            case StructureVerdict.Truncated:
                throw new PhotoRejectedException(PhotoRejection.Truncated, "The photo is cut off: its end is missing. Send the whole file again.");
            case StructureVerdict.Malformed:
                throw new PhotoRejectedException(PhotoRejection.Damaged, "The photo is damaged and cannot be read. Save or export it again and send the new file.");
            case StructureVerdict.Animated:
                throw new PhotoRejectedException(PhotoRejection.Animated, "This is an animation. Send a still photo.");
            default:
                if (ForeignContent.HidesIn(file, structure.End))
                    throw new PhotoRejectedException(PhotoRejection.Polyglot, "Another file is hidden in this picture. Export the photo again as a plain JPEG, PNG or WebP.");
                break;
        }
    }

    private static void CheckSize(int width, int height, PhotoLimits limits)
    {
        if (Math.Min(width, height) < limits.MinSide)
            throw new PhotoRejectedException(PhotoRejection.TooSmall, $"The photo is {width} × {height} pixels; each side needs at least {limits.MinSide}.");
        if (Math.Max(width, height) > limits.MaxSide)
            throw new PhotoRejectedException(PhotoRejection.TooLargeDimensions, $"The photo is {width} × {height} pixels; a side may have at most {limits.MaxSide}.");
        if ((long)width * height > limits.MaxPixels)
            throw new PhotoRejectedException(PhotoRejection.TooManyPixels, $"The photo is {width} × {height} pixels; at most {limits.MaxPixels / 1_000_000} megapixels can be taken.");
    }

    private static VipsImage Decode(byte[] file, int keptSide, bool hasProfile)
    {
        if (!hasProfile)
            return Picture.Decode(file, keptSide, convertProfile: false);
        try
        {
            return Picture.Decode(file, keptSide, convertProfile: true);
        }
        catch (VipsException)
        {
            // A profile that makes no sense: the pixels are taken as sRGB, as browsers do.
            return Picture.Decode(file, keptSide, convertProfile: false);
        }
    }

    private static string Loader(string mediaType) => mediaType switch
    {
        ImageMediaType.Jpeg => "jpegload_buffer",
        ImageMediaType.Png => "pngload_buffer",
        _ => "webpload_buffer",
    };
}
