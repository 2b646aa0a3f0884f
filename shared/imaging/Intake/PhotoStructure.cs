using System.Buffers.Binary;

namespace HomeStage.Imaging.Intake;

internal enum StructureVerdict
{
    Whole,
    Truncated,
    Malformed,
    Animated,
}

/// <summary>
/// What the container says about itself, without decoding: whether it is whole, where it ends, whether it moves. Formats:
/// ITU-T T.81 annex B (JPEG), PNG third edition section 5, RFC 9649 (WebP).
/// </summary>
/// <param name="Verdict">What was found first.</param>
/// <param name="End">Where the picture's own data ends; what follows belongs to something else.</param>
internal sealed record PhotoStructure(StructureVerdict Verdict, int End)
{
    // A progressive JPEG has about ten scans. Each costs a pass over all pixels: thousands in a small file are an attack.
    private const int MostScans = 100;

    private static readonly PhotoStructure Truncated = new(StructureVerdict.Truncated, 0);
    private static readonly PhotoStructure Malformed = new(StructureVerdict.Malformed, 0);
    private static readonly PhotoStructure Animated = new(StructureVerdict.Animated, 0);

    internal static PhotoStructure Of(ReadOnlySpan<byte> file, string mediaType) => mediaType switch
    {
        ImageMediaType.Jpeg => OfJpeg(file),
        ImageMediaType.Png => OfPng(file),
        _ => OfWebP(file),
    };

    private static PhotoStructure OfJpeg(ReadOnlySpan<byte> file)
    {
        var at = 2;
        var scans = 0;
        while (true)
        {
            while (at < file.Length && file[at] != 0xFF)
                at++;
            while (at < file.Length && file[at] == 0xFF)
                at++;
            if (at >= file.Length)
                return Truncated;

            var marker = file[at++];
            if (marker == 0xD9)
                return new PhotoStructure(StructureVerdict.Whole, at);
            // Stuffed bytes and restart markers inside a scan, and markers that stand alone.
            if (marker is 0x00 or 0x01 or >= 0xD0 and <= 0xD8)
                continue;
            if (file.Length - at < 2)
                return Truncated;
            if (marker == 0xDA && ++scans > MostScans)
                return Malformed;
            at += BinaryPrimitives.ReadUInt16BigEndian(file[at..]);
        }
    }

    private static PhotoStructure OfPng(ReadOnlySpan<byte> file)
    {
        var at = 8;
        while (file.Length - at >= 12)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file[at..]);
            var type = file.Slice(at + 4, 4);
            if (length > file.Length - at - 12)
                return Truncated;
            if (type.SequenceEqual("acTL"u8))
                return Animated;
            at += 12 + (int)length;
            if (type.SequenceEqual("IEND"u8))
                return new PhotoStructure(StructureVerdict.Whole, at);
        }

        return Truncated;
    }

    private static PhotoStructure OfWebP(ReadOnlySpan<byte> file)
    {
        const int riffHeader = 8;
        const int firstChunk = 12;
        const int chunkHeader = 8;
        const byte animationFlag = 0b10;
        var end = riffHeader + (long)BinaryPrimitives.ReadUInt32LittleEndian(file[4..]);
        if (end > file.Length)
            return Truncated;
        if (end < firstChunk + chunkHeader)
            return Malformed;
        var chunks = file[firstChunk..(int)end];
        return chunks.StartsWith("VP8X"u8) && chunks.Length > chunkHeader && (chunks[chunkHeader] & animationFlag) != 0
            ? Animated
            : new PhotoStructure(StructureVerdict.Whole, (int)end);
    }
}
