using System.Numerics;

namespace HomeStage.Samples;

internal enum Surface
{
    Floor,
    Ceiling,
    Left,
    Right,
    Back,
    Front,
}

/// <summary>
/// The room: a box in metres (x to the right, y up, z away from the camera's wall) with a window in the left wall, a door in
/// the back wall, skirting and an oak floor.
/// </summary>
internal static class Room
{
    internal const float Left = -2.7f;
    internal const float Right = 2.5f;
    internal const float Height = 2.75f;
    internal const float Depth = 6.2f;

    internal const float WindowNear = 2.95f;
    internal const float WindowFar = 5.15f;
    internal const float WindowSill = 0.55f;
    internal const float WindowHead = 2.35f;
    internal const float GlassInset = 0.17f;

    private const float Skirting = 0.11f;
    private const float DoorLeft = 0.75f;
    private const float DoorRight = 1.68f;
    private const float DoorHead = 2.08f;
    private const float Architrave = 0.08f;

    private static readonly Vector3 Paint = new(0.78f, 0.785f, 0.765f);
    private static readonly Vector3 White = new(0.86f, 0.86f, 0.85f);

    internal static readonly Vector3[] MeanColour =
    [
        new(0.46f, 0.33f, 0.22f), White, Paint, Paint, Paint, Paint,
    ];

    internal static Vector3 Normal(Surface surface) => surface switch
    {
        Surface.Floor => Vector3.UnitY,
        Surface.Ceiling => -Vector3.UnitY,
        Surface.Left => Vector3.UnitX,
        Surface.Right => -Vector3.UnitX,
        Surface.Back => -Vector3.UnitZ,
        _ => Vector3.UnitZ,
    };

    /// <summary>Where a ray from inside leaves the box.</summary>
    internal static (Surface Surface, Vector3 Point) Hit(Vector3 from, Vector3 direction)
    {
        var (tx, ty, tz) = (
            Exit(from.X, direction.X, Left, Right),
            Exit(from.Y, direction.Y, 0, Height),
            Exit(from.Z, direction.Z, 0, Depth));
        var t = MathF.Min(tx, MathF.Min(ty, tz));
        var surface = t == ty ? (direction.Y < 0 ? Surface.Floor : Surface.Ceiling)
            : t == tx ? (direction.X < 0 ? Surface.Left : Surface.Right)
            : direction.Z > 0 ? Surface.Back : Surface.Front;
        return (surface, from + (direction * t));

        static float Exit(float origin, float along, float low, float high) =>
            along > 1e-6f ? (high - origin) / along : along < -1e-6f ? (low - origin) / along : float.MaxValue;
    }

    internal static bool InWindow(float y, float z) =>
        y is > WindowSill and < WindowHead && z is > WindowNear and < WindowFar;

    /// <summary>Whether a point of the pane's plane is frame or glazing bar.</summary>
    internal static bool IsFrame(float y, float z)
    {
        const float border = 0.055f;
        const float bar = 0.022f;
        var middle = (WindowNear + WindowFar) / 2;
        return y < WindowSill + border || y > WindowHead - border || z < WindowNear + border || z > WindowFar - border
            || MathF.Abs(z - middle) < 0.04f
            || MathF.Abs(y - 1.78f) < bar;
    }

    /// <summary>Colour of the material at a point, 0..1 linear, and how mirror-like it is at a grazing look.</summary>
    internal static (Vector3 Colour, float Gloss) Material(Surface surface, Vector3 at) => surface switch
    {
        Surface.Floor => (Oak(at.X, at.Z), 0.55f),
        Surface.Ceiling => (White, 0),
        Surface.Back => (BackWall(at), 0),
        Surface.Left => (SideWall(at, at.Z is > WindowNear - Architrave and < WindowFar + Architrave
            && at.Y is > WindowSill - 0.05f and < WindowHead + Architrave), 0),
        _ => (SideWall(at, trimmed: false), 0),
    };

    private static Vector3 SideWall(Vector3 at, bool trimmed)
    {
        if (trimmed)
            return White;
        return at.Y < Skirting ? SkirtingAt(at.Y) : Plaster(at.Z, at.Y);
    }

    private static Vector3 BackWall(Vector3 at)
    {
        var inOpening = at.X is > DoorLeft and < DoorRight && at.Y < DoorHead;
        if (inOpening)
            return Door((at.X - DoorLeft) / (DoorRight - DoorLeft), at.Y / DoorHead);
        var toDoor = MathF.Max(MathF.Max(DoorLeft - at.X, at.X - DoorRight), at.Y - DoorHead);
        if (toDoor < Architrave)
            return White * (toDoor < 0.012f ? 0.70f : toDoor > Architrave - 0.010f ? 0.84f : 1.0f);
        if (at.X is > -0.46f and < -0.38f && at.Y is > 0.28f and < 0.40f)
            return White * 1.03f;
        return at.Y < Skirting ? SkirtingAt(at.Y) : Plaster(at.X, at.Y);
    }

    // Four sunk panels: a dark line above and left, a light one below and right; a handle.
    private static Vector3 Door(float u, float v)
    {
        if (Vector2.Distance(new Vector2(u * 0.93f, v * 2.08f), new Vector2(0.075f, 1.02f)) < 0.026f)
            return new Vector3(0.30f, 0.28f, 0.25f);
        foreach (var (left, right) in (ReadOnlySpan<(float, float)>)[(0.13f, 0.46f), (0.54f, 0.87f)])
        {
            foreach (var (low, high) in (ReadOnlySpan<(float, float)>)[(0.08f, 0.40f), (0.50f, 0.93f)])
            {
                if (u < left || u > right || v < low || v > high)
                    continue;
                var (dark, light) = (MathF.Min(u - left, (high - v) * 2.2f), MathF.Min(right - u, (v - low) * 2.2f));
                return White * (dark < 0.018f ? 0.74f : light < 0.018f ? 1.06f : 0.97f);
            }
        }

        return White * (u is < 0.012f or > 0.988f || v > 0.994f ? 0.55f : 1.0f);
    }

    private static Vector3 SkirtingAt(float y) => White * (y > Skirting - 0.012f ? 0.82f : y < 0.006f ? 0.5f : 1.0f);

    private static Vector3 Plaster(float u, float v) => Paint * (0.985f + (0.03f * Noise.Rough(u * 2.2f, v * 2.2f, 71)));

    private static Vector3 Oak(float x, float z)
    {
        const float plankWidth = 0.145f;
        const float plankLength = 1.75f;
        var row = (int)MathF.Floor(x / plankWidth);
        var along = (z / plankLength) + Noise.Hash(row, 3);
        var board = (int)MathF.Floor(along);
        var (fromSide, fromEnd) = (x - (row * plankWidth), (along - board) * plankLength);

        var tone = Noise.Hash(row, board, 11);
        var warmth = Noise.Hash(row, board, 12);
        var colour = Vector3.Lerp(new Vector3(0.50f, 0.365f, 0.250f), new Vector3(0.33f, 0.225f, 0.145f), tone)
            * (0.94f + (0.12f * warmth));

        var offset = Noise.Hash(row, board, 13) * 40;
        var rings = Noise.Rough((x * 26) + offset + (1.2f * Noise.Smooth(z * 1.3f, offset, 5)), (z * 1.1f) + offset, 20);
        var pores = Noise.Smooth((x * 240) + offset, z * 7, 30);
        colour *= 0.70f + (0.50f * rings) + (0.08f * pores);

        var seam = MathF.Min(MathF.Min(fromSide, plankWidth - fromSide), MathF.Min(fromEnd, plankLength - fromEnd));
        return colour * (seam < 0.0016f ? 0.45f : seam < 0.004f ? 0.86f : 1.0f);
    }
}
