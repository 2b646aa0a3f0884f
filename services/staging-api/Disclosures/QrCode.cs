using System.Text;

namespace HomeStage.Staging.Disclosures;

/// <summary>
/// A QR code of a short text (ISO/IEC 18004): bytes, error correction M, versions 1 to 10. No package that draws them can be restored.
/// </summary>
internal sealed class QrCode
{
    /// <summary>Bytes that fit into the largest version.</summary>
    internal const int Longest = 213;

    private const int QuietZone = 4;
    private const int FinderSide = 7;

    // By version: codewords in all, those for error correction in each block, blocks (tables 1 and 9, level M).
    private static readonly (int Total, int Correction, int Blocks)[] Versions =
    [
        (26, 10, 1), (44, 16, 1), (70, 26, 1), (100, 18, 2), (134, 24, 2), (172, 16, 4), (196, 18, 4), (242, 22, 4), (292, 22, 5), (346, 26, 5),
    ];

    // By version: centres of the alignment patterns (annex E).
    private static readonly int[][] Alignments = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];

    private static readonly Func<int, int, bool>[] Masks =
    [
        (x, y) => (x + y) % 2 == 0,
        (_, y) => y % 2 == 0,
        (x, _) => x % 3 == 0,
        (x, y) => (x + y) % 3 == 0,
        (x, y) => ((x / 3) + (y / 2)) % 2 == 0,
        (x, y) => (x * y % 2) + (x * y % 3) == 0,
        (x, y) => ((x * y % 2) + (x * y % 3)) % 2 == 0,
        (x, y) => (((x + y) % 2) + (x * y % 3)) % 2 == 0,
    ];

    private readonly int _version;
    private readonly bool[,] _dark;
    private readonly bool[,] _fixed;

    private QrCode(int version)
    {
        _version = version;
        Side = 17 + (4 * version);
        _dark = new bool[Side, Side];
        _fixed = new bool[Side, Side];
    }

    /// <summary>Modules of a side, without the quiet zone.</summary>
    internal int Side { get; }

    /// <summary>Whether a module is dark.</summary>
    internal bool this[int x, int y] => _dark[x, y];

    /// <summary>The code of a text.</summary>
    /// <exception cref="ArgumentException">It has more than <see cref="Longest"/> bytes.</exception>
    internal static QrCode Of(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var version = Enumerable.Range(1, Versions.Length).FirstOrDefault(number => bytes.Length <= Capacity(number));
        if (version == 0)
            throw new ArgumentException($"At most {Longest} bytes fit into a QR code here.", nameof(text));
        var codewords = Interleave(version, Encode(version, bytes));
        return Enumerable.Range(0, Masks.Length).Select(mask => Draw(version, codewords, mask)).MinBy(code => code.Penalty())!;
    }

    /// <summary>The code as an SVG document, one unit a module, with its quiet zone.</summary>
    internal string ToSvg()
    {
        var path = new StringBuilder();
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                if (_dark[x, y])
                    path.Append("M").Append(x + QuietZone).Append(' ').Append(y + QuietZone).Append("h1v1h-1z");
            }
        }

        var side = Side + (2 * QuietZone);
        return $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path d="{path}"/></svg>""";
    }

    private static int DataCodewords(int version) => Versions[version - 1] is var (total, correction, blocks) ? total - (correction * blocks) : 0;

    private static int LengthBits(int version) => version < 10 ? 8 : 16;

    private static int Capacity(int version) => ((8 * DataCodewords(version)) - 4 - LengthBits(version)) / 8;

    // Mode, length, bytes, terminator, and the two padding bytes in turn (7.4).
    private static byte[] Encode(int version, byte[] bytes)
    {
        var data = new byte[DataCodewords(version)];
        var at = 0;
        Put(0b0100, 4);
        Put(bytes.Length, LengthBits(version));
        foreach (var value in bytes)
            Put(value, 8);
        at = Math.Min(at + 4, 8 * data.Length);
        var padding = 0;
        for (var index = (at + 7) / 8; index < data.Length; index++)
            data[index] = (byte)(padding++ % 2 == 0 ? 0xEC : 0x11);
        return data;

        void Put(int value, int bits)
        {
            for (var bit = bits - 1; bit >= 0; bit--, at++)
                data[at / 8] |= (byte)(((value >> bit) & 1) << (7 - (at % 8)));
        }
    }

    // The first blocks are shorter by one where the codewords cannot be shared out evenly (7.6).
    private static byte[] Interleave(int version, byte[] data)
    {
        var (total, correction, count) = Versions[version - 1];
        var generator = Generator(correction);
        var shorter = count - (data.Length % count);
        var blocks = new List<(byte[] Data, byte[] Correction)>();
        for (int index = 0, at = 0; index < count; index++)
        {
            var length = (data.Length / count) + (index < shorter ? 0 : 1);
            var block = data[at..(at + length)];
            blocks.Add((block, Remainder(block, generator)));
            at += length;
        }

        var result = new List<byte>(total);
        for (var index = 0; index <= data.Length / count; index++)
            result.AddRange(blocks.Where(block => index < block.Data.Length).Select(block => block.Data[index]));
        for (var index = 0; index < correction; index++)
            result.AddRange(blocks.Select(block => block.Correction[index]));
        return [.. result];
    }

    // Reed and Solomon's generator polynomial without its leading 1, highest power first.
    private static byte[] Generator(int degree)
    {
        var result = new byte[degree];
        result[^1] = 1;
        byte root = 1;
        for (var step = 0; step < degree; step++, root = Multiply(root, 2))
        {
            for (var index = 0; index < degree; index++)
                result[index] = (byte)(Multiply(result[index], root) ^ (index + 1 < degree ? result[index + 1] : 0));
        }

        return result;
    }

    private static byte[] Remainder(byte[] data, byte[] generator)
    {
        var result = new byte[generator.Length];
        foreach (var value in data)
        {
            var factor = (byte)(value ^ result[0]);
            for (var index = 0; index < result.Length; index++)
                result[index] = (byte)((index + 1 < result.Length ? result[index + 1] : 0) ^ Multiply(generator[index], factor));
        }

        return result;
    }

    // In the field of 256 elements, modulo x^8 + x^4 + x^3 + x^2 + 1.
    private static byte Multiply(int left, int right)
    {
        var result = 0;
        for (var bit = 7; bit >= 0; bit--)
            result = (result << 1) ^ ((result >> 7) * 0x11D) ^ (((right >> bit) & 1) * left);
        return (byte)result;
    }

    private static QrCode Draw(int version, byte[] codewords, int mask)
    {
        var code = new QrCode(version);
        code.DrawPatterns();
        code.DrawFormat(mask);
        code.DrawCodewords(codewords, Masks[mask]);
        return code;
    }

    private void DrawPatterns()
    {
        for (var at = 0; at < Side; at++)
        {
            Set(6, at, at % 2 == 0);
            Set(at, 6, at % 2 == 0);
        }

        foreach (var (x, y) in ((int, int)[])[(3, 3), (Side - 4, 3), (3, Side - 4)])
            DrawSquares(x, y, 4);
        var centres = Alignments[_version - 1];
        foreach (var x in centres)
        {
            foreach (var y in centres.Where(y => !IsFinder(x, y)))
                DrawSquares(x, y, 2);
        }

        if (_version < 7)
            return;
        var text = (_version << 12) | Remainder(_version, 12, 0x1F25);
        for (var bit = 0; bit < 18; bit++)
        {
            var (far, near) = (Side - 11 + (bit % 3), bit / 3);
            Set(far, near, ((text >> bit) & 1) != 0);
            Set(near, far, ((text >> bit) & 1) != 0);
        }
    }

    private bool IsFinder(int x, int y) => (x <= FinderSide && y <= FinderSide) || (x <= FinderSide && y >= Side - FinderSide - 1) || (x >= Side - FinderSide - 1 && y <= FinderSide);

    // Rings about a centre: dark in the middle, light at 2 and 4.
    private void DrawSquares(int centreX, int centreY, int radius)
    {
        for (var y = Math.Max(0, centreY - radius); y <= Math.Min(Side - 1, centreY + radius); y++)
        {
            for (var x = Math.Max(0, centreX - radius); x <= Math.Min(Side - 1, centreX + radius); x++)
            {
                var ring = Math.Max(Math.Abs(x - centreX), Math.Abs(y - centreY));
                Set(x, y, radius == 2 ? ring != 1 : ring is not (2 or 4));
            }
        }
    }

    // Error correction M is 00 (7.9).
    private void DrawFormat(int mask)
    {
        var text = ((mask << 10) | Remainder(mask, 10, 0x537)) ^ 0x5412;
        for (var bit = 0; bit < 15; bit++)
        {
            var dark = ((text >> bit) & 1) != 0;
            var (x, y) = bit switch
            {
                < 6 => (8, bit),
                6 => (8, 7),
                7 => (8, 8),
                8 => (7, 8),
                _ => (14 - bit, 8),
            };
            Set(x, y, dark);
            (x, y) = bit < 8 ? (Side - 1 - bit, 8) : (8, Side - 15 + bit);
            Set(x, y, dark);
        }

        Set(8, Side - 8, true);
    }

    private static int Remainder(int value, int bits, int generator)
    {
        var result = value;
        for (var step = 0; step < bits; step++)
            result = (result << 1) ^ ((result >> (bits - 1)) * generator);
        return result;
    }

    // In columns of two from the right, upwards and downwards in turn, past the vertical timing pattern.
    private void DrawCodewords(byte[] codewords, Func<int, int, bool> mask)
    {
        var at = 0;
        for (var right = Side - 1; right >= 1; right -= 2)
        {
            if (right == 6)
                right = 5;
            var upward = ((right + 1) & 2) == 0;
            for (var step = 0; step < Side; step++)
            {
                var y = upward ? Side - 1 - step : step;
                foreach (var x in (int[])[right, right - 1])
                {
                    if (_fixed[x, y])
                        continue;
                    var dark = at < 8 * codewords.Length && ((codewords[at / 8] >> (7 - (at % 8))) & 1) != 0;
                    at++;
                    _dark[x, y] = dark ^ mask(x, y);
                }
            }
        }
    }

    private void Set(int x, int y, bool dark) => (_dark[x, y], _fixed[x, y]) = (dark, true);

    // How hard it is to read (7.8.3): long runs, blocks, what looks like a finder, and too much of one colour.
    private int Penalty()
    {
        var penalty = 0;
        for (var line = 0; line < Side; line++)
            penalty += PenaltyOf(at => _dark[at, line]) + PenaltyOf(at => _dark[line, at]);
        var darks = 0;
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                darks += _dark[x, y] ? 1 : 0;
                if (x > 0 && y > 0 && _dark[x, y] == _dark[x - 1, y] && _dark[x, y] == _dark[x, y - 1] && _dark[x, y] == _dark[x - 1, y - 1])
                    penalty += 3;
            }
        }

        return penalty + (10 * (int)(Math.Abs((20.0 * darks / (Side * Side)) - 10)));
    }

    private int PenaltyOf(Func<int, bool> dark)
    {
        var (penalty, run, last) = (0, 0, 0);
        for (var at = 0; at < Side; at++)
        {
            run = at > 0 && dark(at) == dark(at - 1) ? run + 1 : 1;
            penalty += run == 5 ? 3 : run > 5 ? 1 : 0;
            last = ((last << 1) | (dark(at) ? 1 : 0)) & 0x7FF;
            penalty += at >= 10 && last is 0b10111010000 or 0b00001011101 ? 40 : 0;
        }

        return penalty;
    }
}
