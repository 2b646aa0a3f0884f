using System.Text;

namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>
/// A floor seen by an upright camera, in metres: x to the right of the lens, y up from the floor, z away. Rugs lie lowest,
/// then shadows, then the pieces from far to near; all of it becomes one SVG.
/// </summary>
internal sealed class Scene(int width, int height)
{
    private const double EyeHeight = 1.4;
    private const double Horizon = 0.455;
    private const string Shadow = "#16100c";

    private readonly double _focal = Math.Max(0.72 * width, 0.96 * height);
    private readonly List<Piece> _pieces = [];
    private readonly StringBuilder _rugs = new();
    private readonly StringBuilder _shadows = new();
    private readonly StringBuilder _contacts = new();

    internal Brush Brush { get; } = new();

    /// <summary>The x at a share (-1 left edge .. 1 right edge) of what is seen at a distance.</summary>
    internal double Across(double share, double z) => share * z * width / 2 / _focal;

    internal (double X, double Y) Project(double x, double y, double z)
    {
        var near = Math.Max(z, 0.4);
        return ((width / 2.0) + (_focal * x / near), (height * Horizon) + (_focal * (EyeHeight - y) / near));
    }

    /// <summary>Pixels to a metre at a distance.</summary>
    internal double Scale(double z) => _focal / Math.Max(z, 0.4);

    internal static double EyeLevel => EyeHeight;

    internal static bool IsBelowEye(double y) => y < EyeHeight;

    /// <summary>How flat a level circle looks at a height and distance: its height to its width.</summary>
    internal static double Flatness(double y, double z) => Math.Abs(EyeHeight - y) / z;

    /// <summary>Puts a piece down and its shadow under it.</summary>
    internal void Place(Piece piece)
    {
        _pieces.Add(piece);
        Cast(_shadows, piece, below: 1.2, margin: 0.06, shift: 0.08);
        Cast(_contacts, piece, below: 0.15, margin: 0.012, shift: 0.015);
    }

    /// <summary>Lays a rug: a band within its edge, and stripes.</summary>
    internal void Rug(double x, double z, double across, double deep, Colour colour, Colour line, int stripes)
    {
        _rugs.Append(Brush.Polygon(Quad(x + 0.015, z - 0.02, across + 0.02, deep + 0.02), Shadow, opacity: 0.35));
        _rugs.Append(Brush.Polygon(Quad(x, z, across, deep), Brush.Vertical(colour.Shade(0.92), colour.Shade(1.04))));
        _rugs.Append(Brush.Outline(Quad(x, z, across - 0.22, deep - 0.22), line.ToString(), Scale(z) * 0.025));
        for (var i = 1; i <= stripes; i++)
            _rugs.Append(Brush.Polygon(Quad(x, z - (deep / 2) + (deep * i / (stripes + 1)), across - 0.4, 0.05), line.ToString(), opacity: 0.6));
    }

    /// <summary>Lays a round rug.</summary>
    internal void RoundRug(double x, double z, double radius, Colour colour, Colour line)
    {
        _rugs.Append(Brush.Polygon(Circle(x, z, radius), Brush.Vertical(colour.Shade(0.92), colour.Shade(1.04))));
        _rugs.Append(Brush.Outline(Circle(x, z, radius - 0.12), line.ToString(), Scale(z) * 0.025));
        _rugs.Append(Brush.Outline(Circle(x, z, radius * 0.5), line.ToString(), Scale(z) * 0.02));
    }

    internal string ToSvg()
    {
        // Far enough from the edges to outlast a cut from the provider's 3:2 to 4:3 or 16:9.
        var mark = Math.Max(12, Math.Min(width, height) * 0.019);
        var pieces = string.Concat(_pieces.OrderByDescending(piece => piece.Z).Select(piece => piece.Draw(this)));
        return $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
            <defs>
            <filter id="soft" x="-30%" y="-60%" width="160%" height="220%"><feGaussianBlur stdDeviation="{_focal * 0.011:0.##}"/></filter>
            <filter id="close" x="-10%" y="-30%" width="120%" height="160%"><feGaussianBlur stdDeviation="{_focal * 0.0025:0.##}"/></filter>
            {Brush.Definitions}
            </defs>
            <g>{_rugs}</g>
            <g filter="url(#soft)" opacity="0.40">{_shadows}</g>
            <g filter="url(#close)" opacity="0.45">{_contacts}</g>
            <g>{pieces}</g>
            <text x="{width * 0.91:0.#}" y="{height * 0.115:0.#}" text-anchor="end" font-family="DejaVu Sans, sans-serif" font-size="{mark:0.#}" fill="#ffffff" fill-opacity="0.85" stroke="#000000" stroke-opacity="0.35" stroke-width="{mark * 0.12:0.##}" paint-order="stroke">simulated</text>
            </svg>
            """;
    }

    private void Cast(StringBuilder layer, Piece piece, double below, double margin, double shift)
    {
        foreach (var shape in piece.Footprints(below, margin))
            layer.Append(Brush.Polygon(shape.Select(corner => Project(corner.X + shift, 0, corner.Z)), Shadow));
    }

    private IEnumerable<(double X, double Y)> Quad(double x, double z, double across, double deep) =>
    [
        Project(x - (across / 2), 0, z - (deep / 2)),
        Project(x + (across / 2), 0, z - (deep / 2)),
        Project(x + (across / 2), 0, z + (deep / 2)),
        Project(x - (across / 2), 0, z + (deep / 2)),
    ];

    private IEnumerable<(double X, double Y)> Circle(double x, double z, double radius) =>
        Enumerable.Range(0, 48).Select(i => Project(x + (radius * Math.Cos(i * Math.Tau / 48)), 0, z + (radius * Math.Sin(i * Math.Tau / 48))));
}
