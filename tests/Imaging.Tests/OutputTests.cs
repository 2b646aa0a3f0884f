using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HomeStage.Imaging.Outputs;
using Shouldly;
using Xunit;

namespace HomeStage.Imaging.Tests;

public sealed class OutputTests
{
    private const double ReadableContrast = 4.5;

    [Fact]
    public void Crop_is_the_largest_of_the_photos_shape()
    {
        var side = Arb.From(Gen.Choose(256, 4096));
        Prop.ForAll(side, side, side, (width, height, photoWidth) => Prop.ForAll(side, photoHeight =>
        {
            var (left, top, cropWidth, cropHeight) = PhotoOutputs.CropTo(width, height, photoWidth, photoHeight);
            var touches = cropWidth == width || cropHeight == height;
            var inside = left >= 0 && top >= 0 && left + cropWidth <= width && top + cropHeight <= height;
            // The whole of both sides may be the nearest to either.
            var exact = (cropWidth == width && Math.Abs(cropHeight - ((double)width * photoHeight / photoWidth)) <= 0.5)
                || (cropHeight == height && Math.Abs(cropWidth - ((double)height * photoWidth / photoHeight)) <= 0.5);
            var centred = Math.Abs((2 * left) + cropWidth - width) <= 1 && Math.Abs((2 * top) + cropHeight - height) <= 1;
            return touches && inside && exact && centred;
        })).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(1536, 1024, 1600, 1200, 1365, 1024)]
    [InlineData(1024, 1024, 3840, 2160, 1024, 576)]
    [InlineData(1024, 1536, 681, 1024, 1022, 1536)]
    [InlineData(1536, 1024, 1536, 1024, 1536, 1024)]
    public void Outputs_have_the_photos_aspect_ratio_and_the_providers_resolution(
        int width, int height, int photoWidth, int photoHeight, int cutWidth, int cutHeight)
    {
        var staged = PhotoOutputs.Make(Photos.Png(width, height), photoWidth, photoHeight);

        (staged.Clean.Width, staged.Clean.Height).ShouldBe((cutWidth, cutHeight));
        (staged.Labeled.Width, staged.Labeled.Height).ShouldBe((cutWidth, cutHeight));
        Math.Max(staged.Thumb.Width, staged.Thumb.Height).ShouldBe(512);
        foreach (var image in (ReadOnlySpan<EncodedImage>)[staged.Clean, staged.Labeled, staged.Thumb])
        {
            ImageMediaType.Of(image.Bytes).ShouldBe(image.MediaType);
            Photos.Pixels(image.Bytes).Length.ShouldBe(image.Width * image.Height * 3);
        }
    }

    [Fact]
    public void The_centre_is_kept_undistorted()
    {
        var staged = PhotoOutputs.Make(Photos.Encode(Photos.FourCorners(1200, 800), 1200, 800, "pngsave_buffer"), 800, 800);

        var (x, y) = (0.5, 0.5);
        Photos.At(staged.Clean, x - 0.02, y - 0.02).R.ShouldBeGreaterThan(180);
        Photos.At(staged.Clean, x + 0.02, y - 0.02).G.ShouldBeGreaterThan(160);
        Photos.At(staged.Clean, x - 0.02, y + 0.02).B.ShouldBeGreaterThan(180);
        Photos.At(staged.Clean, x + 0.02, y + 0.02).R.ShouldBeGreaterThan(220);
    }

    [Theory]
    [InlineData("jpeg")]
    [InlineData("png")]
    [InlineData("webp")]
    public void Every_type_of_provider_picture_becomes_jpeg(string type) =>
        PhotoOutputs.Make(Photos.OfType(type), 400, 300).Clean.MediaType.ShouldBe(ImageMediaType.Jpeg);

    [Theory]
    [InlineData(ImageMediaType.Png)]
    [InlineData(ImageMediaType.WebP)]
    public void Pictures_are_of_the_type_that_was_chosen_and_thumbnails_are_jpegs(string type)
    {
        var staged = PhotoOutputs.Make(Photos.Png(600, 400), 600, 400, type);

        ImageMediaType.Of(staged.Clean.Bytes).ShouldBe(type);
        ImageMediaType.Of(staged.Labeled.Bytes).ShouldBe(type);
        ImageMediaType.Of(staged.Thumb.Bytes).ShouldBe(ImageMediaType.Jpeg);
        Photos.Pixels(staged.Clean.Bytes).Length.ShouldBe(600 * 400 * 3);
    }

    [Fact]
    public void Every_output_names_its_digital_source()
    {
        var staged = PhotoOutputs.Make(Photos.Png(800, 600), 800, 600);
        var preview = PhotoOutputs.PreviewOf(Photos.Png(800, 600), 800, 600);
        var png = PhotoOutputs.Make(Photos.Png(800, 600), 800, 600, ImageMediaType.Png);
        var webp = PhotoOutputs.Make(Photos.Png(800, 600), 800, 600, ImageMediaType.WebP);

        foreach (var image in (ReadOnlySpan<EncodedImage>)[staged.Clean, staged.Labeled, staged.Thumb, preview, png.Clean, png.Labeled, png.Thumb, webp.Clean, webp.Labeled])
        {
            var text = Encoding.UTF8.GetString(image.Bytes);
            var packet = text[text.IndexOf("<x:xmpmeta", StringComparison.Ordinal)..(text.IndexOf("</x:xmpmeta>", StringComparison.Ordinal) + 12)];
            System.Xml.Linq.XDocument.Parse(packet).Descendants()
                .Single(element => element.Name == "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType").Value
                .ShouldBe("http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(128)]
    [InlineData(255)]
    public void Label_reads_on_any_background(byte background)
    {
        var staged = PhotoOutputs.Make(Photos.Encode(Photos.Plain(1200, 900, background), 1200, 900, "pngsave_buffer"), 1200, 900);

        Contrast(staged.Labeled).ShouldBeGreaterThan(ReadableContrast);
        Contrast(staged.Thumb).ShouldBeGreaterThan(ReadableContrast);
        staged.Labeled.Bytes.ShouldNotBe(staged.Clean.Bytes);
        Photos.Pixels(staged.Clean.Bytes).ShouldAllBe(sample => Math.Abs(sample - background) <= 2);
    }

    [Theory]
    [InlineData(3840, 2560)]
    [InlineData(1024, 1024)]
    [InlineData(512, 341)]
    [InlineData(256, 256)]
    [InlineData(120, 800)]
    [InlineData(800, 120)]
    public void Whole_label_is_inside_the_picture_and_of_readable_size(int width, int height)
    {
        var staged = PhotoOutputs.Make(Photos.Encode(Photos.Plain(width, height, 0), width, height, "pngsave_buffer"), width, height);

        var (left, top, right, bottom) = Bounds(staged.Labeled, level: 90);
        left.ShouldBeGreaterThan(0);
        right.ShouldBeLessThan(width - 1);
        bottom.ShouldBeLessThan(height - 1);
        top.ShouldBeGreaterThan(0);
        (right - left).ShouldBeGreaterThan(Math.Min(width * 2 / 5, 110));
        (bottom - top).ShouldBeGreaterThan(Math.Min(11, width / 20));
    }

    // Shown 640 pixels wide, as on many pages, its letters still have 13.
    [Fact]
    public void The_label_of_a_panorama_is_as_wide_as_that_of_other_pictures()
    {
        var panorama = PhotoOutputs.Make(Photos.Encode(Photos.Plain(1920, 640, 0), 1920, 640, "pngsave_buffer"), 1920, 640);
        var usual = PhotoOutputs.Make(Photos.Encode(Photos.Plain(1536, 1024, 0), 1536, 1024, "pngsave_buffer"), 1536, 1024);

        Share(panorama.Labeled).ShouldBeGreaterThan(0.9 * Share(usual.Labeled));

        static double Share(EncodedImage image)
        {
            var (left, _, right, _) = Bounds(image, level: 90);
            return (right - left) / (double)image.Width;
        }
    }

    [Fact]
    public void Preview_is_small_and_labeled()
    {
        var preview = PhotoOutputs.PreviewOf(Photos.Encode(Photos.Plain(1536, 1024, 200), 1536, 1024, "webpsave_buffer"), 1600, 1200);
        (preview.Width, preview.Height).ShouldBe((512, 384));
        Contrast(preview).ShouldBeGreaterThan(ReadableContrast);
    }

    [Fact]
    public void What_is_no_picture_is_said_to_be_none()
    {
        Should.Throw<UnreadableImageException>(() => PhotoOutputs.Make("{\"error\":1}"u8.ToArray(), 100, 100)).Message.ShouldContain("no image");
        Should.Throw<UnreadableImageException>(() => PhotoOutputs.Make("GIF89a and more"u8.ToArray(), 100, 100)).Message.ShouldContain("image/gif");
        Should.Throw<UnreadableImageException>(() => PhotoOutputs.Make(Photos.Png()[..5000], 100, 100));
        Should.Throw<UnreadableImageException>(() => PhotoOutputs.PreviewOf([], 100, 100));
        Should.Throw<ArgumentOutOfRangeException>(() => PhotoOutputs.Make(Photos.Png(), 0, 100));
    }

    [Theory]
    [InlineData(1600, 1200, 1536, 1024)]
    [InlineData(900, 1600, 1024, 1536)]
    [InlineData(400, 300, 1024, 1024)]
    public void A_framed_photo_is_cut_out_again_as_it_was(int width, int height, int frameWidth, int frameHeight)
    {
        var photo = Photos.Encode(Photos.FourCorners(width, height), width, height);

        var framed = ProviderFrame.Around(photo, frameWidth, frameHeight);
        var cut = PhotoOutputs.Make(framed.Bytes, width, height).Clean;

        (framed.Width, framed.Height).ShouldBe((frameWidth, frameHeight));
        Photos.Pixels(framed.Bytes).Length.ShouldBe(frameWidth * frameHeight * 3);
        ((double)cut.Width / cut.Height).ShouldBe((double)width / height, 0.002);
        Photos.At(cut, 0.02, 0.02).R.ShouldBeGreaterThan(180);
        Photos.At(cut, 0.98, 0.02).G.ShouldBeGreaterThan(160);
        Photos.At(cut, 0.02, 0.98).B.ShouldBeGreaterThan(180);
        Photos.At(cut, 0.52, 0.02).G.ShouldBeGreaterThan(160);
        Photos.At(cut, 0.48, 0.02).R.ShouldBeGreaterThan(180);
    }

    // WCAG contrast of the brightest and darkest pixels of the lower left, where the label is.
    private static double Contrast(EncodedImage image)
    {
        var (left, top, right, bottom) = (0, image.Height * 85 / 100, image.Width / 4, image.Height);
        var pixels = Photos.Pixels(image.Bytes);
        var levels = new List<double>();
        for (var y = top; y < bottom; y++)
        {
            for (var x = left; x < right; x++)
                levels.Add(Math.Pow(pixels[((y * image.Width) + x) * 3] / 255.0, 2.2));
        }

        levels.Sort();
        return (levels[^(levels.Count / 50)] + 0.05) / (levels[levels.Count / 50] + 0.05);
    }

    private static (int Left, int Top, int Right, int Bottom) Bounds(EncodedImage image, int level)
    {
        var pixels = Photos.Pixels(image.Bytes);
        var lit = Enumerable.Range(0, image.Width * image.Height).Where(i => pixels[i * 3] > level).Select(i => (X: i % image.Width, Y: i / image.Width)).ToList();
        return (lit.Min(p => p.X), lit.Min(p => p.Y), lit.Max(p => p.X), lit.Max(p => p.Y));
    }
}
