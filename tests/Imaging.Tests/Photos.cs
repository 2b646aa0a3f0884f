using System.Buffers.Binary;
using System.IO.Compression;
using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Tests;

/// <summary>Files as people send them, made here.</summary>
internal static class Photos
{
    /// <summary>Four corners of different colour (red, green / blue, white), so that every turn and mirroring can be told.</summary>
    internal static byte[] FourCorners(int width, int height)
    {
        var pixels = new byte[width * height * 3];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (right, low) = (x >= width / 2, y >= height / 2);
                (byte R, byte G, byte B) colour = (right, low) switch
                {
                    (false, false) => (220, 20, 20),
                    (true, false) => (20, 200, 20),
                    (false, true) => (20, 20, 220),
                    _ => (250, 250, 250),
                };
                var at = ((y * width) + x) * 3;
                (pixels[at], pixels[at + 1], pixels[at + 2]) = colour;
            }
        }

        return pixels;
    }

    internal static byte[] Plain(int width, int height, byte level) => [.. Enumerable.Repeat(level, width * height * 3)];

    /// <summary>Noise over a gradient: does not compress to nothing, as photos don't.</summary>
    internal static byte[] Busy(int width, int height, int seed = 1)
    {
        var pixels = new byte[width * height * 3];
        new Random(seed).NextBytes(pixels);
        for (var i = 0; i < pixels.Length; i++)
            pixels[i] = (byte)((pixels[i] / 4) + (i / 3 % width * 180 / width));
        return pixels;
    }

    internal static byte[] Encode(byte[] pixels, int width, int height, string saver = "jpegsave_buffer")
    {
        using var image = VipsImage.FromPixels(pixels, width, height, bands: 3);
        return Vips.Bytes(saver, ("in", image));
    }

    internal static byte[] Jpeg(int width = 400, int height = 300) => Encode(Busy(width, height), width, height);

    internal static byte[] Png(int width = 400, int height = 300) => Encode(Busy(width, height), width, height, "pngsave_buffer");

    internal static byte[] WebP(int width = 400, int height = 300) => Encode(Busy(width, height), width, height, "webpsave_buffer");

    internal static byte[] OfType(string type) => type switch
    {
        "jpeg" => Jpeg(),
        "png" => Png(),
        _ => WebP(),
    };

    /// <summary>Pixels of an encoded image, three bands.</summary>
    internal static byte[] Pixels(byte[] file)
    {
        using var image = Picture.Decode(file, 20_000, convertProfile: false);
        return image.ToPixels();
    }

    internal static (int R, int G, int B) At(EncodedImage image, double x, double y)
    {
        var at = (((int)(y * image.Height) * image.Width) + (int)(x * image.Width)) * 3;
        var pixels = Pixels(image.Bytes);
        return (pixels[at], pixels[at + 1], pixels[at + 2]);
    }

    /// <summary>A JPEG with an EXIF block as phones write it: orientation, maker, and a GPS position.</summary>
    internal static byte[] WithExif(byte[] jpeg, int orientation)
    {
        var tiff = new byte[8 + 2 + (3 * 12) + 4 + 8 + 2 + (2 * 12) + 4 + 24];
        "MM\0*"u8.CopyTo(tiff);
        Int(4, 8);
        Short(8, 3);
        Entry(10, 0x010F, 2, 8, 50);
        Entry(22, 0x0112, 3, 1, orientation << 16);
        Entry(34, 0x8825, 4, 1, 58);
        "GPSPhone"u8.CopyTo(tiff.AsSpan(50));
        Short(58, 2);
        Entry(60, 1, 2, 2, 'N' << 24);
        Entry(72, 2, 5, 3, 88);
        foreach (var (i, degrees) in (ReadOnlySpan<(int, int)>)[(0, 48), (1, 12), (2, 30)])
        {
            Int(88 + (i * 8), degrees);
            Int(92 + (i * 8), 1);
        }

        return InsertSegment(jpeg, 0xE1, [.. "Exif\0\0"u8, .. tiff]);

        void Short(int at, int value) => BinaryPrimitives.WriteUInt16BigEndian(tiff.AsSpan(at), (ushort)value);
        void Int(int at, int value) => BinaryPrimitives.WriteInt32BigEndian(tiff.AsSpan(at), value);
        void Entry(int at, int tag, int type, int count, int value)
        {
            Short(at, tag);
            Short(at + 2, type);
            Int(at + 4, count);
            Int(at + 8, value);
        }
    }

    internal static byte[] InsertSegment(byte[] jpeg, byte marker, byte[] content) =>
        [.. jpeg[..2], 0xFF, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2), .. content, .. jpeg[2..]];

    /// <summary>A PNG of one bit a pixel, all black: tiny as a file whatever its size.</summary>
    internal static byte[] BlackPng(int width, int height)
    {
        var packed = new MemoryStream();
        using (var deflate = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            var row = new byte[1 + ((width + 7) / 8)];
            for (var y = 0; y < height; y++)
                deflate.Write(row);
        }

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 1;
        return [0x89, .. "PNG\r\n\x1A\n"u8, .. Chunk("IHDR", header), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    internal static byte[] Chunk(string type, byte[] content)
    {
        byte[] typed = [.. System.Text.Encoding.ASCII.GetBytes(type), .. content];
        var chunk = new byte[content.Length + 12];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        typed.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(chunk.Length - 4), Crc(typed));
        return chunk;
    }

    private static uint Crc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
        }

        return ~crc;
    }
}
