using HomeStage.Imaging.Intake;
using HomeStage.Imaging.Native;
using Shouldly;
using Xunit;

namespace HomeStage.Imaging.Tests;

public sealed class IntakeTests
{
    [Theory]
    [InlineData("jpeg", "image/jpeg")]
    [InlineData("png", "image/png")]
    [InlineData("webp", "image/webp")]
    public void Accepted_types_are_known_by_content_and_stored_as_jpeg(string type, string mediaType)
    {
        var photo = PhotoIntake.Read(Photos.OfType(type));

        photo.SourceMediaType.ShouldBe(mediaType);
        photo.Image.MediaType.ShouldBe(ImageMediaType.Jpeg);
        ImageMediaType.Of(photo.Image.Bytes).ShouldBe(ImageMediaType.Jpeg);
        (photo.Width, photo.Height).ShouldBe((400, 300));
    }

    // Where the red, green and blue corners of the stored pixels belong, by EXIF orientation (1 = as stored).
    [Theory]
    [InlineData(1, 0.25, 0.25, 0.75, 0.25, 0.25, 0.75)]
    [InlineData(2, 0.75, 0.25, 0.25, 0.25, 0.75, 0.75)]
    [InlineData(3, 0.75, 0.75, 0.25, 0.75, 0.75, 0.25)]
    [InlineData(4, 0.25, 0.75, 0.75, 0.75, 0.25, 0.25)]
    [InlineData(5, 0.25, 0.25, 0.25, 0.75, 0.75, 0.25)]
    [InlineData(6, 0.75, 0.25, 0.75, 0.75, 0.25, 0.25)]
    [InlineData(7, 0.75, 0.75, 0.75, 0.25, 0.25, 0.75)]
    [InlineData(8, 0.25, 0.75, 0.25, 0.25, 0.75, 0.75)]
    public void Every_orientation_comes_out_upright(int orientation, double redX, double redY, double greenX, double greenY, double blueX, double blueY)
    {
        var stored = Photos.Encode(Photos.FourCorners(600, 400), 600, 400);

        var photo = PhotoIntake.Read(Photos.WithExif(stored, orientation));

        (photo.Width, photo.Height).ShouldBe(orientation < 5 ? (600, 400) : (400, 600));
        Photos.At(photo.Image, redX, redY).R.ShouldBeGreaterThan(180);
        Photos.At(photo.Image, redX, redY).G.ShouldBeLessThan(60);
        Photos.At(photo.Image, greenX, greenY).G.ShouldBeGreaterThan(160);
        Photos.At(photo.Image, greenX, greenY).R.ShouldBeLessThan(60);
        Photos.At(photo.Image, blueX, blueY).B.ShouldBeGreaterThan(180);
        Photos.At(photo.Image, blueX, blueY).R.ShouldBeLessThan(60);
    }

    [Fact]
    public void Nothing_of_the_metadata_survives()
    {
        var file = Photos.WithExif(Photos.Jpeg(), 6);
        file = Photos.InsertSegment(file, 0xFE, "comment: 12 Main Street"u8.ToArray());
        file = Photos.InsertSegment(file, 0xE1, "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>secret</x:xmpmeta>"u8.ToArray());
        file = [.. file, .. "MotionPhoto_Data"u8];

        var stored = PhotoIntake.Read(file).Image.Bytes;

        foreach (var trace in (ReadOnlySpan<string>)["Exif", "GPS", "Main Street", "xmpmeta", "MotionPhoto", "ICC_PROFILE"])
            stored.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(trace)).ShouldBe(-1, trace);
    }

    [Fact]
    public void Metadata_of_a_webp_does_not_survive_either()
    {
        using var image = VipsImage.FromPixels(Photos.Busy(400, 300), 400, 300, 3);
        using var own = image.PixelsAlone();
        own.Attach("xmp-data", "<x:xmpmeta>secret</x:xmpmeta>"u8);
        var file = Vips.Bytes("webpsave_buffer", ("in", own));
        file.AsSpan().IndexOf("secret"u8).ShouldBeGreaterThan(0);

        PhotoIntake.Read(file).Image.Bytes.AsSpan().IndexOf("secret"u8).ShouldBe(-1);
    }

    [Fact]
    public void Colours_of_a_wide_profile_are_converted()
    {
        using var srgb = VipsImage.FromPixels(Photos.FourCorners(600, 400), 600, 400, 3);
        using var wide = Vips.Image("icc_transform", ("in", srgb), ("input-profile", "srgb"), ("output-profile", "p3"));
        var file = Vips.Bytes("jpegsave_buffer", ("in", wide), ("Q", 98));
        Photos.Pixels(file)[0].ShouldBeInRange((byte)195, (byte)208, "the file must hold other numbers for red than sRGB does");

        var red = Photos.At(PhotoIntake.Read(file).Image, 0.25, 0.25);

        red.R.ShouldBeInRange(215, 225);
        red.G.ShouldBeInRange(12, 30);
    }

    [Fact]
    public void A_senseless_profile_is_ignored()
    {
        var file = Photos.InsertSegment(Photos.Jpeg(), 0xE2, [.. "ICC_PROFILE\0\x01\x01"u8, .. new byte[200]]);
        PhotoIntake.Read(file).Width.ShouldBe(400);
    }

    [Fact]
    public void Cmyk_grey_16_bit_and_palette_files_become_rgb()
    {
        using var colour = VipsImage.FromPixels(Photos.FourCorners(600, 400), 600, 400, 3);
        using var cmyk = Vips.Image("icc_transform", ("in", colour), ("input-profile", "srgb"), ("output-profile", "cmyk"));
        using var grey = Vips.Image("colourspace", ("in", colour), ("space", "b-w"));
        using var deep = Vips.Image("colourspace", ("in", colour), ("space", "rgb16"));
        (byte[] File, bool Coloured)[] files =
        [
            (Vips.Bytes("jpegsave_buffer", ("in", cmyk)), true),
            (Vips.Bytes("jpegsave_buffer", ("in", cmyk), ("strip", true)), true),
            (Vips.Bytes("jpegsave_buffer", ("in", grey)), false),
            (Vips.Bytes("pngsave_buffer", ("in", grey)), false),
            (Vips.Bytes("pngsave_buffer", ("in", deep)), true),
            (Vips.Bytes("pngsave_buffer", ("in", colour), ("palette", true)), true),
        ];

        foreach (var (file, coloured) in files)
        {
            var photo = PhotoIntake.Read(file);
            using var stored = Vips.Image("jpegload_buffer", ("buffer", photo.Image.Bytes));
            stored.Bands.ShouldBe(3);
            var red = Photos.At(photo.Image, 0.25, 0.25);
            (red.R - red.B > 100).ShouldBe(coloured);
            Photos.At(photo.Image, 0.75, 0.75).G.ShouldBeGreaterThan(235);
        }
    }

    [Fact]
    public void Transparent_parts_become_white()
    {
        var pixels = new byte[300 * 300 * 4];
        using var clear = VipsImage.FromPixels(pixels, 300, 300, 4);
        var photo = PhotoIntake.Read(Vips.Bytes("pngsave_buffer", ("in", clear)));
        Photos.At(photo.Image, 0.5, 0.5).ShouldBe((255, 255, 255));
    }

    [Theory]
    [InlineData(6000, 4000, 3840, 2560)]
    [InlineData(3000, 5000, 2304, 3840)]
    [InlineData(3840, 2160, 3840, 2160)]
    [InlineData(256, 256, 256, 256)]
    public void The_longest_side_is_at_most_3840_and_nothing_is_scaled_up(int width, int height, int keptWidth, int keptHeight)
    {
        var photo = PhotoIntake.Read(Photos.Encode(Photos.Plain(width, height, 128), width, height));
        (photo.Width, photo.Height).ShouldBe((keptWidth, keptHeight));
    }

    [Fact]
    public void Real_photos_are_taken_when_they_are_at_hand()
    {
        var folder = Environment.GetEnvironmentVariable("HOMESTAGE_PHOTOS") ?? Path.Combine(Root(), "..", "shared", "photos");
        var files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.webp") : [];
        files = [.. files, Path.Combine(Root(), "samples", "empty-room.jpg")];

        foreach (var file in files)
            PhotoIntake.Read(File.ReadAllBytes(file)).Width.ShouldBeGreaterThan(1000);
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "HomeStage.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
