using System.Numerics;

namespace HomeStage.Samples;

/// <summary>
/// Daylight in the room: the sky seen through the window, the sun's patch, and what the surfaces give each other (radiosity
/// over small patches; the room is convex, so every patch sees every other).
/// </summary>
internal sealed class Light
{
    private const float PatchSize = 0.17f;
    private const int Bounces = 5;
    private const int SkyAcross = 7;
    private const int SkyUp = 6;

    private static readonly Vector3 Sky = new(9.6f, 10.3f, 11.0f);
    private static readonly Vector3 Sun = new(7.0f, 6.5f, 5.6f);
    private static readonly Vector3 ToSun = Vector3.Normalize(new Vector3(-0.80f, 0.66f, 0.16f));

    private readonly Grid[] _grids;

    internal Light()
    {
        _grids = [.. Enum.GetValues<Surface>().Select(surface => new Grid(surface, PatchSize))];
        Bounce();
    }

    /// <summary>Light that falls on a point, per channel. <paramref name="jitter"/> (0..1, two values) softens the shadows' edges.</summary>
    internal Vector3 At(Surface surface, Vector3 point, Vector2 jitter) =>
        FromSky(point, Room.Normal(surface), jitter) + FromSun(point, Room.Normal(surface), jitter) + _grids[(int)surface].Bounced(point);

    /// <summary>What is outside, in a direction: sky, a soft row of trees, a lawn.</summary>
    internal static Vector3 Outside(Vector3 direction)
    {
        var angle = MathF.Atan2(direction.Z, -direction.X) * 9;
        var rise = direction.Y + 0.03f;
        var crowns = 0.02f + (0.20f * Noise.Rough(angle * 0.8f, 0.3f, 41)) + (0.03f * Noise.Smooth(angle * 9, 0.7f, 48));
        var sky = Vector3.Lerp(new Vector3(2.3f, 2.45f, 2.6f), new Vector3(1.15f, 1.6f, 2.3f), Math.Clamp(rise * 1.6f, 0, 1));
        var leaves = new Vector3(0.42f, 0.62f, 0.26f) * (0.15f + (1.5f * Noise.Rough(angle * 5, rise * 45, 44) * Noise.Rough(angle * 14, rise * 110, 49) * 1.6f));
        var lawn = new Vector3(0.72f, 0.98f, 0.40f) * (0.85f + (0.3f * Noise.Rough(angle * 4, rise * 60, 47)));
        var ground = Vector3.Lerp(lawn, leaves, Smoothstep(-0.10f, -0.04f, rise));
        return Vector3.Lerp(ground, sky, Smoothstep(crowns - 0.03f, crowns + 0.03f, rise));
    }

    /// <summary>Light on the sides of the window's opening.</summary>
    internal static Vector3 OnReveal(Vector3 point, Vector3 normal, Vector2 jitter) =>
        (new Vector3(1.25f, 1.3f, 1.36f) * (0.8f + (0.4f * MathF.Max(0, normal.Y)))) + (SunVisible(point, jitter) * MathF.Max(0, Vector3.Dot(normal, ToSun)) * Sun * 0.5f);

    private static float Smoothstep(float low, float high, float value)
    {
        var t = Math.Clamp((value - low) / (high - low), 0, 1);
        return t * t * (3 - (2 * t));
    }

    private static Vector3 FromSky(Vector3 point, Vector3 normal, Vector2 jitter)
    {
        var sum = 0f;
        const float cellUp = (Room.WindowHead - Room.WindowSill) / SkyUp;
        const float cellAcross = (Room.WindowFar - Room.WindowNear) / SkyAcross;
        for (var i = 0; i < SkyUp; i++)
        {
            for (var j = 0; j < SkyAcross; j++)
            {
                var pane = new Vector3(
                    Room.Left - Room.GlassInset,
                    Room.WindowSill + ((i + jitter.X) * cellUp),
                    Room.WindowNear + ((j + jitter.Y) * cellAcross));
                var way = pane - point;
                var squared = MathF.Max(way.LengthSquared(), 0.04f);
                way /= MathF.Sqrt(squared);
                // Upper sky is brighter than the garden, which is what ceilings see.
                var brightness = way.Y > 0 ? 1 : 0.42f;
                sum += brightness * MathF.Max(0, Vector3.Dot(normal, way)) * MathF.Max(0, -way.X) / squared;
            }
        }

        return Sky * (sum * cellUp * cellAcross / MathF.PI);
    }

    private static Vector3 FromSun(Vector3 point, Vector3 normal, Vector2 jitter)
    {
        var cosine = Vector3.Dot(normal, ToSun);
        return cosine <= 0 ? Vector3.Zero : Sun * (cosine * SunVisible(point, jitter));
    }

    private static float SunVisible(Vector3 point, Vector2 jitter)
    {
        const float sunRadius = 0.007f;
        var spread = new Vector3(0, (jitter.X * 2) - 1, (jitter.Y * 2) - 1) * sunRadius;
        var way = ToSun + spread;
        var wall = point + (way * ((Room.Left - point.X) / way.X));
        var pane = point + (way * ((Room.Left - Room.GlassInset - point.X) / way.X));
        return (point.X < Room.Left || Room.InWindow(wall.Y, wall.Z)) && Room.InWindow(pane.Y, pane.Z) && !Room.IsFrame(pane.Y, pane.Z) ? 1 : 0;
    }

    private void Bounce()
    {
        foreach (var patch in _grids.SelectMany(grid => grid.Patches))
        {
            var direct = Vector3.Zero;
            for (var i = 0; i < 16; i++)
            {
                var corner = new Vector2(((i % 4) + 0.5f) / 4, ((i / 4) + 0.5f) / 4);
                var at = patch.At(corner);
                direct += FromSky(at, patch.Normal, new Vector2(0.5f)) + FromSun(at, patch.Normal, new Vector2(0.5f));
            }

            patch.Leaving = patch.Reflectance * direct / 16;
        }

        var patches = _grids.SelectMany(grid => grid.Patches).ToArray();
        for (var round = 0; round < Bounces; round++)
        {
            Parallel.ForEach(patches, to => to.Arriving = patches.Aggregate(Vector3.Zero, (sum, from) => sum + (from.Leaving * to.FormFactor(from))));
            foreach (var patch in patches)
            {
                patch.Bounced += patch.Arriving;
                patch.Leaving = patch.Reflectance * patch.Arriving;
            }
        }
    }
}
