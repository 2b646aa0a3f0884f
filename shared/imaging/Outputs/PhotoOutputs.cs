using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Outputs;

/// <summary>The files of one staged picture; all carry the IPTC digital source type.</summary>
/// <param name="Clean">Without a visible label.</param>
/// <param name="Labeled">The same with "Virtually staged" on it.</param>
/// <param name="Thumb">Labeled, no side longer than 512 pixels; always a JPEG.</param>
public sealed record StagedImages(EncodedImage Clean, EncodedImage Labeled, EncodedImage Thumb);

/// <summary>Makes what customers get from what an image provider returned.</summary>
public static class PhotoOutputs
{
    private const int Quality = 92;
    private const int SmallQuality = 84;
    private const int SmallSide = 512;
    private const int LargestProviderSide = 8192;
    private const int LargestProviderBytes = 64_000_000;

    /// <summary>
    /// Crops the provider's picture about its centre to the photo's aspect ratio (to within half a pixel; never distorted,
    /// never scaled up) and encodes it three times. Thread-safe.
    /// </summary>
    /// <param name="providerImage">JPEG, PNG or WebP as the provider sent it.</param>
    /// <param name="photoWidth">Width of the stored photo.</param>
    /// <param name="photoHeight">Height of the stored photo.</param>
    /// <param name="mediaType">What the clean and labelled pictures are to be: JPEG, PNG or WebP.</param>
    /// <exception cref="UnreadableImageException">The provider's bytes are no whole JPEG, PNG or WebP.</exception>
    public static StagedImages Make(byte[] providerImage, int photoWidth, int photoHeight, string mediaType = ImageMediaType.Jpeg) =>
        Read(providerImage, LargestProviderSide, photoWidth, photoHeight, picture =>
        {
            using var labeled = Label.On(picture);
            return new StagedImages(Encode(picture, mediaType, Quality), Encode(labeled, mediaType, Quality), Small(picture));
        });

    /// <summary>A labeled preview, no side longer than 512 pixels, of a picture that may still be in the making.</summary>
    /// <param name="providerImage">JPEG, PNG or WebP as the provider sent it.</param>
    /// <param name="photoWidth">Width of the stored photo.</param>
    /// <param name="photoHeight">Height of the stored photo.</param>
    /// <exception cref="UnreadableImageException">The provider's bytes are no whole JPEG, PNG or WebP.</exception>
    public static EncodedImage PreviewOf(byte[] providerImage, int photoWidth, int photoHeight) =>
        Read(providerImage, LargestProviderSide, photoWidth, photoHeight, Small);

    /// <summary>
    /// The largest crop of a <paramref name="width"/> × <paramref name="height"/> picture with the aspect ratio of the photo,
    /// about its centre.
    /// </summary>
    internal static (int Left, int Top, int Width, int Height) CropTo(int width, int height, int photoWidth, int photoHeight)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(photoWidth);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(photoHeight);
        var (cropWidth, cropHeight) = (long)width * photoHeight > (long)height * photoWidth
            ? (Scaled(height, photoWidth, photoHeight), height)
            : (width, Scaled(width, photoHeight, photoWidth));
        return ((width - cropWidth) / 2, (height - cropHeight) / 2, cropWidth, cropHeight);

        static int Scaled(int side, int numerator, int denominator) =>
            Math.Clamp((int)((((long)side * numerator) + (denominator / 2)) / denominator), 1, int.MaxValue);
    }

    private static T Read<T>(byte[] providerImage, int longestSide, int photoWidth, int photoHeight, Func<VipsImage, T> use)
    {
        ArgumentNullException.ThrowIfNull(providerImage);
        var mediaType = ImageMediaType.Of(providerImage);
        if (mediaType is not (ImageMediaType.Jpeg or ImageMediaType.Png or ImageMediaType.WebP))
            throw new UnreadableImageException($"The provider's picture is {mediaType ?? "no image"}; JPEG, PNG or WebP was expected.");
        if (providerImage.Length > LargestProviderBytes)
            throw new UnreadableImageException($"The provider's picture has {providerImage.Length} bytes; at most {LargestProviderBytes} are read.");
        try
        {
            using var decoded = Picture.Decode(providerImage, longestSide, convertProfile: false);
            var (left, top, width, height) = CropTo(decoded.Width, decoded.Height, photoWidth, photoHeight);
            using var cropped = Picture.Crop(decoded, left, top, width, height);
            using var pixels = cropped.PixelsAlone();
            return use(pixels);
        }
        catch (VipsException broken)
        {
            throw new UnreadableImageException("The provider's picture cannot be decoded.", broken);
        }
    }

    private static EncodedImage Small(VipsImage picture)
    {
        using var small = Picture.Within(picture, SmallSide);
        using var labeled = Label.On(small);
        return Encode(labeled, ImageMediaType.Jpeg, SmallQuality);
    }

    private static EncodedImage Encode(VipsImage picture, string mediaType, int quality)
    {
        using var marked = picture.PixelsAlone();
        DigitalSource.Mark(marked);
        var bytes = mediaType switch
        {
            ImageMediaType.Jpeg => Vips.Bytes("jpegsave_buffer", ("in", marked), ("Q", quality), ("optimize-coding", true)),
            ImageMediaType.Png => DigitalSource.Mark(Vips.Bytes("pngsave_buffer", ("in", marked), ("strip", true))),
            ImageMediaType.WebP => Vips.Bytes("webpsave_buffer", ("in", marked), ("Q", quality)),
            _ => throw new ArgumentOutOfRangeException(nameof(mediaType), mediaType, "JPEG, PNG or WebP."),
        };
        return new EncodedImage(bytes, marked.Width, marked.Height, mediaType);
    }
}
