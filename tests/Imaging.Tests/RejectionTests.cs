using System.IO.Compression;
using HomeStage.Imaging.Intake;
using HomeStage.Imaging.Native;
using Shouldly;
using Xunit;

namespace HomeStage.Imaging.Tests;

public sealed class RejectionTests
{
    private static readonly byte[] Zip = MakeZip();

    [Fact]
    public void Empty_and_garbage_are_no_images()
    {
        Rejected([]).Code.ShouldBe("not_an_image");
        Rejected("hello, this is text"u8.ToArray()).Code.ShouldBe("not_an_image");
        var garbage = new byte[100_000];
        new Random(3).NextBytes(garbage);
        Rejected(garbage).Reason.ShouldBe(PhotoRejection.NotAnImage);
    }

    [Theory]
    [InlineData("GIF89a\x01\0\x01\0\0\0\0", "GIF")]
    [InlineData("\0\0\0\x18" + "ftypheic\0\0\0\0", "HEIC")]
    [InlineData("\0\0\0\x18" + "ftypmif1\0\0\0\0", "HEIC")]
    [InlineData("\0\0\0\x18" + "ftypavif\0\0\0\0", "AVIF")]
    [InlineData("\0\0\0\x18" + "ftypisom\0\0\0\0", "video")]
    [InlineData("<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG")]
    [InlineData("%PDF-1.7 ", "PDF")]
    [InlineData("II*\0\x08\0\0\0", "TIFF")]
    [InlineData("MM\0*\0\0\0\x08", "TIFF")]
    [InlineData("8BPS\0\x01", "Photoshop")]
    public void Other_types_are_named_in_the_refusal(string start, string name)
    {
        var refusal = Rejected(System.Text.Encoding.Latin1.GetBytes(start + new string(' ', 300)));
        refusal.Code.ShouldBe("unsupported_type");
        refusal.Message.ShouldContain(name);
    }

    [Fact]
    public void Libvips_itself_opens_nothing_but_photos()
    {
        ImagingRuntime.Initialise();
        var svg = "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='300'/>"u8.ToArray();
        Should.Throw<VipsException>(() => Vips.Image("svgload_buffer", ("buffer", svg)));
        Should.Throw<VipsException>(() => Vips.Image("thumbnail_buffer", ("buffer", svg), ("width", 10)));
    }

    [Theory]
    [InlineData("jpeg")]
    [InlineData("png")]
    [InlineData("webp")]
    public void A_file_cut_anywhere_is_truncated(string type)
    {
        var file = Photos.OfType(type);
        for (var percent = 5; percent < 100; percent += 5)
            Rejected(file[..(file.Length * percent / 100)]).Code.ShouldBe("truncated", $"{percent}%");
        Rejected(file[..^1]).Code.ShouldBe("truncated");
    }

    [Fact]
    public void A_bare_header_is_truncated()
    {
        Rejected(Photos.Jpeg()[..20]).Code.ShouldBe("truncated");
        Rejected(Photos.Png()[..33]).Code.ShouldBe("truncated");
        Rejected(Photos.WebP()[..30]).Code.ShouldBe("truncated");
    }

    [Fact]
    public void A_whole_container_with_broken_content_is_damaged()
    {
        var png = Photos.Png();
        png.AsSpan(100, 200).Clear();
        Rejected(png).Code.ShouldBe("damaged");
        Rejected([0xFF, 0xD8, 0xFF, 0xD9]).Code.ShouldBe("damaged");
        for (byte length = 0; length <= 12; length++)
            Rejected([.. "RIFF"u8, length, 0, 0, 0, .. "WEBP"u8, .. new byte[8]]).Code.ShouldBe("damaged", $"{length}");
    }

    [Fact]
    public void A_bomb_is_refused_by_its_header()
    {
        var bomb = Photos.BlackPng(30_000, 30_000);
        bomb.Length.ShouldBeLessThan(200_000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Rejected(bomb).Code.ShouldBe("too_large_dimensions");
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000_000);

        Rejected(Photos.BlackPng(8000, 7000)).Code.ShouldBe("too_many_pixels");
        PhotoIntake.Read(Photos.BlackPng(8000, 6000)).Width.ShouldBe(3840);
    }

    [Fact]
    public void Sizes_outside_the_limits_say_which_limit()
    {
        Rejected(Photos.Jpeg(255, 400)).Code.ShouldBe("too_small");
        Rejected(Photos.BlackPng(12_001, 300)).Code.ShouldBe("too_large_dimensions");
        Rejected(new byte[20_000_001]).Code.ShouldBe("too_many_bytes");
        Rejected(Photos.Jpeg(255, 400)).Message.ShouldContain("255 × 400");
    }

    [Fact]
    public void Animations_are_refused()
    {
        var png = Photos.Png();
        byte[] animated = [.. png[..33], .. Photos.Chunk("acTL", new byte[8]), .. png[33..]];
        Rejected(animated).Code.ShouldBe("animated");

        byte[] extended = [.. "VP8X"u8, 10, 0, 0, 0, 0b10, .. new byte[9]];
        var still = Photos.WebP();
        byte[] moving = [.. still[..12], .. extended, .. still[12..]];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(moving.AsSpan(4), moving.Length - 8);
        Rejected(moving).Code.ShouldBe("animated");
    }

    [Fact]
    public void Another_file_behind_the_picture_is_refused()
    {
        foreach (var type in (ReadOnlySpan<string>)["jpeg", "png", "webp"])
        {
            var photo = Photos.OfType(type);
            Rejected([.. photo, .. Zip]).Code.ShouldBe("polyglot");
            Rejected([.. photo, .. "<HTML><script>alert(1)</script>"u8]).Code.ShouldBe("polyglot");
            Rejected([.. photo, .. "\n<?php system($_GET['c']); ?>"u8]).Code.ShouldBe("polyglot");
            Rejected([.. photo, .. "%PDF-1.4"u8]).Code.ShouldBe("polyglot");
        }

        Rejected(Photos.InsertSegment(Photos.Jpeg(), 0xFE, "%PDF-1.4 1 0 obj"u8.ToArray())).Code.ShouldBe("polyglot");
        // An archive inside a comment, whose end record claims the rest of the photo as its own comment.
        var jpeg = Photos.Jpeg(300, 300);
        byte[] archive = [.. Zip];
        var rest = jpeg.Length - 2;
        (archive[^2], archive[^1]) = ((byte)rest, (byte)(rest >> 8));
        Rejected(Photos.InsertSegment(jpeg, 0xFE, archive)).Code.ShouldBe("polyglot");
    }

    [Fact]
    public void What_phones_append_is_accepted_and_dropped()
    {
        byte[] file = [.. Photos.Jpeg(), .. "\0\0\0\x18"u8, .. "ftypmp42 a motion photo"u8, .. new byte[5000]];
        PhotoIntake.Read(file).Image.Bytes.AsSpan().IndexOf("motion"u8).ShouldBe(-1);
    }

    [Fact]
    public void Thousands_of_scans_in_one_jpeg_are_refused()
    {
        var jpeg = Photos.Jpeg();
        var scan = jpeg.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]);
        byte[] header = [.. jpeg[scan..(scan + 14)]];
        byte[] file = [.. jpeg[..scan], .. Enumerable.Repeat(header, 3000).SelectMany(bytes => bytes), .. jpeg[scan..]];
        Rejected(file).Code.ShouldBe("damaged");
    }

    [Fact]
    public void Thousands_of_mutated_files_are_refused_or_read_and_nothing_else()
    {
        var random = new Random(20261122);
        byte[][] seeds = [Photos.Jpeg(280, 260), Photos.Png(280, 260), Photos.WebP(280, 260), Photos.WithExif(Photos.Jpeg(280, 260), 6)];
        var (read, refused) = (0, 0);
        for (var round = 0; round < 3000; round++)
        {
            var file = (byte[])seeds[round % seeds.Length].Clone();
            var reach = round % 3 == 0 ? file.Length : Math.Min(file.Length, 700);
            for (var i = 0; i <= random.Next(12); i++)
                file[random.Next(reach)] = (byte)random.Next(256);
            try
            {
                var photo = PhotoIntake.Read(file);
                Math.Max(photo.Width, photo.Height).ShouldBeLessThanOrEqualTo(3840);
                read++;
            }
            catch (PhotoRejectedException)
            {
                refused++;
            }
        }

        read.ShouldBeGreaterThan(100);
        refused.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void Every_reason_has_a_code_of_its_own() =>
        Enum.GetValues<PhotoRejection>().Select(reason => new PhotoRejectedException(reason, "").Code).ShouldBeUnique();

    private static PhotoRejectedException Rejected(byte[] file) => Should.Throw<PhotoRejectedException>(() => PhotoIntake.Read(file));

    private static byte[] MakeZip()
    {
        var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            zip.CreateEntry("payload.txt");
        return stream.ToArray();
    }
}
