using System.Buffers.Binary;

namespace HomeStage.Simulators.OpenAI;

/// <summary>Type and upright size of an image, read from its first bytes without decoding it.</summary>
internal sealed record ImageHeader(string MediaType, int Width, int Height)
{
    public static ImageHeader? Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return bytes switch
            {
                [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => Png(bytes),
                [0xFF, 0xD8, 0xFF, ..] => Jpeg(bytes),
                [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => WebP(bytes),
                _ => null,
            };
        }
        catch (Exception tooShort) when (tooShort is ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static ImageHeader Png(ReadOnlySpan<byte> bytes) =>
        new("image/png", (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]), (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[20..]));

    private static ImageHeader? Jpeg(ReadOnlySpan<byte> bytes)
    {
        var sideways = false;
        for (var at = 2; bytes[at..].Length > 9;)
        {
            var marker = bytes[at + 1];
            if (bytes[at] != 0xFF)
                return null;
            if (marker == 0xFF)
            {
                at++;
                continue;
            }
            var segment = bytes.Slice(at + 4);
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                var height = BinaryPrimitives.ReadUInt16BigEndian(segment[1..]);
                var width = BinaryPrimitives.ReadUInt16BigEndian(segment[3..]);
                return sideways ? new("image/jpeg", height, width) : new("image/jpeg", width, height);
            }
            if (marker == 0xE1 && segment.StartsWith("Exif\0\0"u8))
                sideways |= Orientation(segment[6..]) >= 5;
            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 2)..]);
        }
        return null;
    }

    /// <summary>EXIF tag 0x0112 of the first directory; 5 to 8 turn the picture by a quarter.</summary>
    private static int Orientation(ReadOnlySpan<byte> tiff)
    {
        var little = tiff[0] == (byte)'I';
        var directory = tiff[Int(tiff[4..])..];
        for (var entry = 0; entry < Short(directory); entry++)
        {
            var field = directory[(2 + (entry * 12))..];
            if (Short(field) == 0x0112)
                return Short(field[8..]);
        }
        return 1;

        int Short(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadUInt16LittleEndian(at) : BinaryPrimitives.ReadUInt16BigEndian(at);
        int Int(ReadOnlySpan<byte> at) => little ? BinaryPrimitives.ReadInt32LittleEndian(at) : BinaryPrimitives.ReadInt32BigEndian(at);
    }

    private static ImageHeader? WebP(ReadOnlySpan<byte> bytes) => bytes[15] switch
    {
        (byte)'X' => new("image/webp", 1 + UInt24(bytes[24..]), 1 + UInt24(bytes[27..])),
        (byte)'L' => Lossless(BinaryPrimitives.ReadUInt32LittleEndian(bytes[21..])),
        (byte)' ' => new("image/webp", BinaryPrimitives.ReadUInt16LittleEndian(bytes[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]) & 0x3FFF),
        _ => null,
    };

    private static ImageHeader Lossless(uint bits) => new("image/webp", 1 + (int)(bits & 0x3FFF), 1 + (int)((bits >> 14) & 0x3FFF));

    private static int UInt24(ReadOnlySpan<byte> at) => at[0] | (at[1] << 8) | (at[2] << 16);
}
