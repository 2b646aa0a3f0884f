using System.Text;

namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>Part of a piece, bounded by a box in the piece's own frame.</summary>
internal abstract record Part(double Left, double Right, double Bottom, double Top, double Front, double Back)
{
    private const double Touching = 1e-6;

    internal abstract string Draw(Piece piece, Scene scene);

    /// <summary>What it covers, seen from above, in the piece's frame.</summary>
    internal virtual IEnumerable<(double X, double Z)> Footprint(double margin) =>
        [(Left - margin, Front - margin), (Right + margin, Front - margin), (Right + margin, Back + margin), (Left - margin, Back + margin)];

    /// <summary>Whether this must be painted before another, for an eye in the piece's frame.</summary>
    internal bool IsBehind(Part other, (double X, double Y, double Z) eye) =>
        Beyond(Left, Right, other.Left, other.Right, eye.X)
        ?? Beyond(Front, Back, other.Front, other.Back, eye.Z)
        ?? Beyond(Bottom, Top, other.Bottom, other.Top, eye.Y)
        ?? false;

    private static bool? Beyond(double low, double high, double otherLow, double otherHigh, double eye)
    {
        if (high <= otherLow + Touching)
            return eye > otherLow ? true : eye < high ? false : null;
        if (otherHigh <= low + Touching)
            return eye < otherHigh ? true : eye > low ? false : null;
        return null;
    }
}

/// <summary>A block with up to three faces in sight, lit from the upper left.</summary>
internal sealed record Block(double Left, double Right, double Bottom, double Top, double Front, double Back, Colour Colour, double Round)
    : Part(Left, Right, Bottom, Top, Front, Back)
{
    internal override string Draw(Piece piece, Scene scene)
    {
        (double X, double Z)[] corners =
        [
            piece.OnFloor(Left, Front), piece.OnFloor(Right, Front), piece.OnFloor(Right, Back), piece.OnFloor(Left, Back),
        ];
        var svg = new StringBuilder();
        var round = Round * scene.Scale(piece.Z);
        for (var i = 0; i < 4; i++)
        {
            var (a, b) = (corners[i], corners[(i + 1) % 4]);
            var normal = (X: b.Z - a.Z, Z: a.X - b.X);
            if ((normal.X * a.X) + (normal.Z * a.Z) >= 0)
                continue;
            var length = Math.Sqrt((normal.X * normal.X) + (normal.Z * normal.Z));
            var lit = 0.86 - (0.17 * normal.X / length) - (0.06 * normal.Z / length);
            svg.Append(Brush.Polygon(
                [scene.Project(a.X, Top, a.Z), scene.Project(b.X, Top, b.Z), scene.Project(b.X, Bottom, b.Z), scene.Project(a.X, Bottom, a.Z)],
                scene.Brush.Vertical(Colour.Shade(lit * 1.05), Colour.Shade(lit * 0.84)),
                round));
        }

        if (Scene.IsBelowEye(Top))
            svg.Append(Brush.Polygon(corners.Select(corner => scene.Project(corner.X, Top, corner.Z)), scene.Brush.Vertical(Colour.Shade(1.04), Colour.Shade(1.14)), round));
        return svg.ToString();
    }
}

/// <summary>A drum, cone or bowl.</summary>
internal sealed record Drum(double X, double Z, double Foot, double Rim, double From, double To, Colour Colour)
    : Part(X - Math.Max(Foot, Rim), X + Math.Max(Foot, Rim), From, To, Z - Math.Max(Foot, Rim), Z + Math.Max(Foot, Rim))
{
    private const int Corners = 24;

    internal override IEnumerable<(double X, double Z)> Footprint(double margin)
    {
        var radius = Math.Max(Foot, Rim) + margin;
        return Enumerable.Range(0, Corners).Select(i => Math.SinCos(i * Math.Tau / Corners)).Select(turn => (X + (radius * turn.Cos), Z + (radius * turn.Sin)));
    }

    internal override string Draw(Piece piece, Scene scene)
    {
        var (x, z) = piece.OnFloor(X, Z);
        var (low, high) = (scene.Project(x, From, z), scene.Project(x, To, z));
        var (lowAcross, highAcross) = (Foot * scene.Scale(z), Rim * scene.Scale(z));
        var fill = scene.Brush.Round(Colour);
        var lowUp = lowAcross * Scene.Flatness(From, z);
        var body = $"<path d=\"M{high.X - highAcross:0.##} {high.Y:0.##}L{low.X - lowAcross:0.##} {low.Y:0.##}A{lowAcross:0.##} {lowUp:0.##} 0 0 0 {low.X + lowAcross:0.##} {low.Y:0.##}L{high.X + highAcross:0.##} {high.Y:0.##}Z\" fill=\"{fill}\"/>";
        return body + (Scene.IsBelowEye(To)
            ? Brush.Ellipse(high, highAcross, highAcross * Scene.Flatness(To, z), Colour.Shade(1.1).ToString())
            : "");
    }
}

/// <summary>Long leaves from one point, some light and some dark.</summary>
internal sealed record Leaves(double X, double Z, double From, double Size, Colour Colour, int Seed)
    : Part(X - 0.1, X + 0.1, From, From + Size, Z - 0.1, Z + 0.1)
{
    private const int Count = 26;

    internal override string Draw(Piece piece, Scene scene)
    {
        var random = new Random(Seed);
        var (x, z) = piece.OnFloor(X, Z);
        var root = scene.Project(x, From, z);
        var unit = Size * scene.Scale(z);
        var svg = new StringBuilder();
        for (var i = 0; i < Count; i++)
        {
            // From the outside in, so that the upright leaves stand in front.
            var lean = (1.25 - (0.95 * i / Count)) * (i % 2 == 0 ? -1 : 1) * (0.55 + (0.45 * random.NextDouble()));
            var length = unit * (0.62 + (0.38 * random.NextDouble()));
            var (dx, dy) = (Math.Sin(lean) * length, -Math.Cos(lean) * length);
            var tip = (X: root.X + dx, Y: root.Y + dy + (Math.Abs(lean) * length * 0.22));
            var wide = length * 0.085;
            var fill = Colour.Shade(0.62 + (0.6 * random.NextDouble()));
            svg.Append($"<path d=\"M{root.X:0.##} {root.Y:0.##}Q{root.X + (dx * 0.5) - wide:0.##} {root.Y + (dy * 0.78) - wide:0.##} {tip.X:0.##} {tip.Y:0.##}Q{root.X + (dx * 0.5) + wide:0.##} {root.Y + (dy * 0.5) + wide:0.##} {root.X:0.##} {root.Y:0.##}Z\" fill=\"{fill}\"/>");
        }

        return svg.ToString();
    }
}
