using System.Buffers.Binary;

namespace HomeStage.Imaging.Intake;

/// <summary>
/// Tells files that are a picture and something else at once. Nothing of them would survive the new encoding; they are
/// refused because nobody makes one by accident. What phones do append (motion photos, gain maps, vendors' trailers) is
/// let through, and dropped.
/// </summary>
internal static class ForeignContent
{
    private const int ZipEndRecord = 22;
    private const int ZipMaxComment = ushort.MaxValue;

    // PDF readers look for their header in the first kilobyte.
    private const int PdfHeaderReach = 1024;

    internal static bool HidesIn(ReadOnlySpan<byte> file, int pictureEnd)
    {
        var trailer = file[pictureEnd..];
        return file[..Math.Min(file.Length, PdfHeaderReach)].IndexOf("%PDF-"u8) >= 0
            || StartsLikeAFile(trailer)
            || trailer.IndexOf("%PDF-"u8) >= 0
            || trailer.IndexOf("<?php"u8) >= 0
            || ContainsTag(trailer, "<script"u8)
            || ContainsTag(trailer, "<html"u8)
            || ContainsTag(trailer, "<!doctype"u8)
            || EndsAsZip(file);
    }

    private static bool StartsLikeAFile(ReadOnlySpan<byte> trailer) =>
        trailer.StartsWith("PK\x03\x04"u8)
        || trailer.StartsWith("Rar!"u8)
        || trailer.StartsWith("MZ"u8)
        || trailer.StartsWith("#!"u8)
        || trailer is [0x7F, (byte)'E', (byte)'L', (byte)'F', ..]
        || trailer is [(byte)'7', (byte)'z', 0xBC, 0xAF, ..];

    private static bool ContainsTag(ReadOnlySpan<byte> text, ReadOnlySpan<byte> tag)
    {
        for (var at = text.IndexOf((byte)'<'); at >= 0; at = Next(text, at))
        {
            if (text.Length - at >= tag.Length && System.Text.Ascii.EqualsIgnoreCase(text.Slice(at, tag.Length), tag))
                return true;
        }

        return false;

        static int Next(ReadOnlySpan<byte> text, int at)
        {
            var next = text[(at + 1)..].IndexOf((byte)'<');
            return next < 0 ? -1 : at + 1 + next;
        }
    }

    // The end record of an archive says how long the comment after it is: right to the file's end, or it is chance.
    private static bool EndsAsZip(ReadOnlySpan<byte> file)
    {
        var tail = file[Math.Max(0, file.Length - ZipEndRecord - ZipMaxComment)..];
        for (var at = tail.LastIndexOf("PK\x05\x06"u8); at >= 0; at = tail[..at].LastIndexOf("PK\x05\x06"u8))
        {
            if (tail.Length - at >= ZipEndRecord
                && BinaryPrimitives.ReadUInt16LittleEndian(tail[(at + 20)..]) == tail.Length - at - ZipEndRecord)
                return true;
        }

        return false;
    }
}
