using System.Buffers.Binary;
using HomeStage.Imaging.Native;

namespace HomeStage.Imaging.Outputs;

/// <summary>
/// Says inside the file that a generative model edited a photograph: IPTC's Digital Source Type
/// <c>compositeWithTrainedAlgorithmicMedia</c>, as an XMP packet (IPTC Photo Metadata Standard, Digital Source Type; term
/// from the IPTC NewsCodes vocabulary <c>digitalsourcetype</c>).
/// </summary>
internal static class DigitalSource
{
    internal const string Term = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

    private const string Packet = $"""
        <?xpacket begin="{"\uFEFF"}" id="W5M0MpCehiHzreSzNTczkc9d"?>
        <x:xmpmeta xmlns:x="adobe:ns:meta/">
          <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
            <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
              <Iptc4xmpExt:DigitalSourceType>{Term}</Iptc4xmpExt:DigitalSourceType>
            </rdf:Description>
          </rdf:RDF>
        </x:xmpmeta>
        <?xpacket end="r"?>
        """;

    private static readonly byte[] Bytes = System.Text.Encoding.UTF8.GetBytes(Packet);

    // Signature and IHDR, which comes first and has a fixed length (PNG specification, 5.6 and 11.2.1).
    private const int PngHeader = 8 + 25;

    /// <summary>Marks a picture that was just computed into memory, to be saved as JPEG or WebP.</summary>
    internal static void Mark(VipsImage picture) => picture.Attach("xmp-data", Bytes);

    /// <summary>
    /// Marks a PNG file. libvips 8.14 compresses the packet, and readers of XMP look for an iTXt chunk that is not compressed
    /// (XMP specification, part 3, 1.1.5).
    /// </summary>
    internal static byte[] Mark(byte[] png)
    {
        // Keyword, then: not compressed, method 0, no language, no translated keyword.
        byte[] content = [.. "iTXtXML:com.adobe.xmp\0\0\0\0\0"u8, .. Bytes];
        var chunk = new byte[4 + content.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length - 4);
        content.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(4 + content.Length), Crc(content));
        return [.. png.AsSpan(0, PngHeader), .. chunk, .. png.AsSpan(PngHeader)];
    }

    // The checksum of PNG chunks (annex D): CRC-32, reflected.
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
        }

        return ~crc;
    }
}
