namespace HomeStage.Simulators.OpenAI.Painting;

/// <summary>
/// A piece of furniture of simple parts, in its own metres: x to its left and right, y up, z from its front (negative) to its
/// back, turned about its middle and set down on the floor.
/// </summary>
internal sealed class Piece(double x, double z, double turn = 0)
{
    private readonly List<Part> _parts = [];
    private readonly (double Sine, double Cosine) _turn = Math.SinCos(turn);

    internal double Z => z;

    /// <summary>A block, its middle at (<paramref name="px"/>, <paramref name="pz"/>), from one height to another; soft edges by <paramref name="round"/> metres.</summary>
    internal Piece Block(double px, double pz, double across, double deep, double from, double to, Colour colour, double round = 0.015)
    {
        _parts.Add(new Block(px - (across / 2), px + (across / 2), from, to, pz - (deep / 2), pz + (deep / 2), colour, round));
        return this;
    }

    /// <summary>Something upright and round, with a radius at its foot and one at its top.</summary>
    internal Piece Drum(double px, double pz, double foot, double top, double from, double to, Colour colour)
    {
        _parts.Add(new Drum(px, pz, foot, top, from, to, colour));
        return this;
    }

    /// <summary>A tuft of leaves.</summary>
    internal Piece Leaves(double px, double pz, double from, double size, Colour colour, Random random)
    {
        _parts.Add(new Leaves(px, pz, from, size, colour, random.Next()));
        return this;
    }

    /// <summary>Four legs below a rectangle.</summary>
    internal Piece Legs(double across, double deep, double to, Colour colour, double thick = 0.045)
    {
        foreach (var (right, back) in (ReadOnlySpan<(int, int)>)[(-1, -1), (1, -1), (-1, 1), (1, 1)])
            Block(right * (across - thick) / 2, back * (deep - thick) / 2, thick, thick, 0, to, colour, 0.004);
        return this;
    }

    internal (double X, double Z) OnFloor(double px, double pz) =>
        (x + (px * _turn.Cosine) - (pz * _turn.Sine), z + (px * _turn.Sine) + (pz * _turn.Cosine));

    /// <summary>What its parts below a height cover on the floor, one shape a part.</summary>
    internal IEnumerable<IEnumerable<(double X, double Z)>> Footprints(double below, double margin) =>
        _parts.Where(part => part.Bottom < below).Select(part => part.Footprint(margin).Select(corner => OnFloor(corner.X, corner.Z)));

    internal string Draw(Scene scene) => string.Concat(FarToNear(scene).Select(part => part.Draw(this, scene)));

    // Parts are boxes in one frame, so two of them are apart along one of its axes, and the eye is on one side of the gap.
    private List<Part> FarToNear(Scene scene)
    {
        var eye = (X: (-x * _turn.Cosine) - (z * _turn.Sine), Y: Scene.EyeLevel, Z: (x * _turn.Sine) - (z * _turn.Cosine));
        var waiting = new List<Part>(_parts);
        var ordered = new List<Part>(_parts.Count);
        while (waiting.Count > 0)
        {
            var next = waiting.Find(part => !waiting.Exists(other => other != part && other.IsBehind(part, eye))) ?? waiting[0];
            waiting.Remove(next);
            ordered.Add(next);
        }

        return ordered;
    }
}
