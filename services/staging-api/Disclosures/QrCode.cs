using System.Text;
using QRCoder;

namespace HomeStage.Staging.Disclosures;

/// <summary>A QR code of a short text, with error correction M: readable with a sixth of it covered.</summary>
internal sealed class QrCode
{
    /// <summary>Bytes that fit into a code that can still be read from a phone's distance (version 10 of ISO/IEC 18004).</summary>
    internal const int Longest = 213;

    private const int QuietZone = 4;

    private readonly IReadOnlyList<System.Collections.BitArray> _rows;

    private QrCode(IReadOnlyList<System.Collections.BitArray> rows) => _rows = rows;

    /// <summary>Modules on each side, without the quiet zone.</summary>
    internal int Side => _rows.Count - (2 * QuietZone);

    /// <summary>Whether a module is dark.</summary>
    internal bool this[int x, int y] => _rows[y + QuietZone][x + QuietZone];

    /// <summary>The code of a text.</summary>
    /// <exception cref="ArgumentException">It has more than <see cref="Longest"/> bytes.</exception>
    internal static QrCode Of(string text)
    {
        if (Encoding.UTF8.GetByteCount(text) > Longest)
            throw new ArgumentException($"At most {Longest} bytes fit into a QR code here.", nameof(text));
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M, forceUtf8: true);
        return new QrCode([.. data.ModuleMatrix]);
    }

    /// <summary>The code as an SVG document, one unit a module, with its quiet zone.</summary>
    internal string ToSvg()
    {
        var path = new StringBuilder();
        for (var y = 0; y < _rows.Count; y++)
        {
            for (var x = 0; x < _rows.Count; x++)
            {
                if (_rows[y][x])
                    path.Append('M').Append(x).Append(' ').Append(y).Append("h1v1h-1z");
            }
        }

        var side = _rows.Count;
        return $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>""";
    }
}
