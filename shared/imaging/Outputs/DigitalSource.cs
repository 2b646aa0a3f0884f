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

    /// <summary>Marks a picture that was just computed into memory.</summary>
    internal static void Mark(VipsImage picture) => picture.Attach("xmp-data", Bytes);
}
