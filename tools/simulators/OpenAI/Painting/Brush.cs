using System.Text;

namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>Writes SVG shapes, and keeps the gradients that they use.</summary>
internal sealed class Brush
{
    private readonly Dictionary<string, string> _gradients = new(StringComparer.Ordinal);

    internal string Definitions => string.Concat(_gradients.Values);

    /// <summary>A fill that goes from one colour at the top to another at the bottom.</summary>
    internal string Vertical(Colour top, Colour bottom) => Gradient("x2=\"0\" y2=\"1\"", (0, top), (1, bottom));

    /// <summary>A fill that makes an upright shape look round.</summary>
    internal string Round(Colour colour) =>
        Gradient("x2=\"1\" y2=\"0\"", (0, colour.Shade(0.82)), (0.3, colour.Shade(1.08)), (1, colour.Shade(0.62)));

    internal static string Polygon(IEnumerable<(double X, double Y)> points, string fill, double round = 0, double opacity = 1)
    {
        var edge = round > 0 ? $" stroke=\"{fill}\" stroke-width=\"{round:0.##}\" stroke-linejoin=\"round\"" : "";
        return $"<polygon points=\"{Points(points)}\" fill=\"{fill}\"{edge}{Opacity(opacity)}/>";
    }

    internal static string Outline(IEnumerable<(double X, double Y)> points, string colour, double thickness) =>
        $"<polygon points=\"{Points(points)}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{thickness:0.##}\"/>";

    internal static string Ellipse((double X, double Y) centre, double across, double up, string fill) =>
        $"<ellipse cx=\"{centre.X:0.##}\" cy=\"{centre.Y:0.##}\" rx=\"{across:0.##}\" ry=\"{up:0.##}\" fill=\"{fill}\"/>";

    internal static string Line((double X, double Y) from, (double X, double Y) to, string colour, double thickness, double opacity = 1) =>
        $"<path d=\"M{from.X:0.##} {from.Y:0.##}L{to.X:0.##} {to.Y:0.##}\" stroke=\"{colour}\" stroke-width=\"{thickness:0.##}\" stroke-linecap=\"round\"{Opacity(opacity)}/>";

    private static string Opacity(double opacity) => opacity < 1 ? $" opacity=\"{opacity:0.##}\"" : "";

    private static string Points(IEnumerable<(double X, double Y)> points) =>
        points.Aggregate(new StringBuilder(), (text, point) => text.Append($"{point.X:0.##},{point.Y:0.##} ")).ToString();

    private string Gradient(string direction, params (double At, Colour Colour)[] stops)
    {
        var content = string.Concat(stops.Select(stop => $"<stop offset=\"{stop.At:0.##}\" stop-color=\"{stop.Colour}\"/>"));
        var key = direction + content;
        if (!_gradients.ContainsKey(key))
            _gradients[key] = $"<linearGradient id=\"g{_gradients.Count}\" x1=\"0\" y1=\"0\" {direction}>{content}</linearGradient>";
        var definition = _gradients[key];
        return $"url(#{definition[20..definition.IndexOf('"', 20)]})";
    }
}
