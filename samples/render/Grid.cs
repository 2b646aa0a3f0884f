using System.Numerics;

namespace HomeStage.Samples;

/// <summary>A surface cut into patches for the light that goes to and fro between surfaces.</summary>
internal sealed class Grid
{
    private readonly Vector3 _origin;
    private readonly Vector3 _across;
    private readonly Vector3 _up;
    private readonly int _columns;
    private readonly int _rows;

    internal Grid(Surface surface, float patchSize)
    {
        var (width, height, depth) = (Room.Right - Room.Left, Room.Height, Room.Depth);
        (_origin, _across, _up) = surface switch
        {
            Surface.Floor => (new Vector3(Room.Left, 0, 0), Vector3.UnitX * width, Vector3.UnitZ * depth),
            Surface.Ceiling => (new Vector3(Room.Left, height, 0), Vector3.UnitX * width, Vector3.UnitZ * depth),
            Surface.Left => (new Vector3(Room.Left, 0, 0), Vector3.UnitZ * depth, Vector3.UnitY * height),
            Surface.Right => (new Vector3(Room.Right, 0, 0), Vector3.UnitZ * depth, Vector3.UnitY * height),
            Surface.Back => (new Vector3(Room.Left, 0, depth), Vector3.UnitX * width, Vector3.UnitY * height),
            _ => (new Vector3(Room.Left, 0, 0), Vector3.UnitX * width, Vector3.UnitY * height),
        };
        _columns = (int)MathF.Ceiling(_across.Length() / patchSize);
        _rows = (int)MathF.Ceiling(_up.Length() / patchSize);
        Patches = new Patch[_columns * _rows];
        for (var i = 0; i < Patches.Length; i++)
        {
            var (column, row) = (i % _columns, i / _columns);
            var (across, up) = (_across / _columns, _up / _rows);
            var corner = _origin + (across * column) + (up * row);
            var centre = corner + ((across + up) / 2);
            // Light that reaches the window goes out.
            var reflectance = surface == Surface.Left && Room.InWindow(centre.Y, centre.Z) ? Vector3.Zero : Room.MeanColour[(int)surface];
            Patches[i] = new Patch(corner, across, up, Room.Normal(surface), reflectance);
        }
    }

    internal Patch[] Patches { get; }

    /// <summary>Light from other surfaces at a point of this one, interpolated between patches.</summary>
    internal Vector3 Bounced(Vector3 point)
    {
        var from = point - _origin;
        var u = Math.Clamp((Vector3.Dot(from, _across) / _across.LengthSquared() * _columns) - 0.5f, 0, _columns - 1.001f);
        var v = Math.Clamp((Vector3.Dot(from, _up) / _up.LengthSquared() * _rows) - 0.5f, 0, _rows - 1.001f);
        var (column, row) = ((int)u, (int)v);
        var at = (row * _columns) + column;
        var near = Vector3.Lerp(Patches[at].Bounced, Patches[at + 1].Bounced, u - column);
        var far = Vector3.Lerp(Patches[at + _columns].Bounced, Patches[at + _columns + 1].Bounced, u - column);
        return Vector3.Lerp(near, far, v - row);
    }
}

/// <summary>A small rectangle that gathers light and gives it on.</summary>
internal sealed class Patch(Vector3 corner, Vector3 across, Vector3 up, Vector3 normal, Vector3 reflectance)
{
    private readonly Vector3 _centre = corner + ((across + up) / 2);
    private readonly float _area = across.Length() * up.Length();

    internal Vector3 Normal => normal;

    internal Vector3 Reflectance => reflectance;

    internal Vector3 Leaving { get; set; }

    internal Vector3 Arriving { get; set; }

    internal Vector3 Bounced { get; set; }

    internal Vector3 At(Vector2 position) => corner + (across * position.X) + (up * position.Y);

    /// <summary>Share of a diffuse patch's light that arrives here, per unit of what leaves it (point to disc of the same area).</summary>
    internal float FormFactor(Patch from)
    {
        var way = from._centre - _centre;
        var squared = way.LengthSquared();
        if (squared < 1e-6f)
            return 0;
        way /= MathF.Sqrt(squared);
        var cosines = Vector3.Dot(normal, way) * -Vector3.Dot(from.Normal, way);
        return cosines <= 0 ? 0 : cosines * from._area / ((MathF.PI * squared) + from._area);
    }
}
