using System.Numerics;

namespace HomeStage.Samples;

/// <summary>A camera in the room, upright, a little turned to the window, with a lens of about 25 mm.</summary>
internal sealed class Renderer(Light light)
{
    private const float FocalLength = 0.69f;
    private const float Horizon = 0.455f;
    private const float Turn = -0.27f;
    private const float Exposure = 1.2f;
    private const int SamplesAcross = 4;

    private static readonly Vector3 WhiteBalance = new(0.95f, 1.0f, 1.07f);
    private static readonly Vector3 Eye = new(0.75f, 1.45f, 0.12f);

    internal byte[] Render(int width, int height)
    {
        var pixels = new byte[width * height * 3];
        Parallel.For(0, height, y =>
        {
            for (var x = 0; x < width; x++)
            {
                var colour = Develop(Pixel(x, y, width, height), x, y, width, height);
                for (var band = 0; band < 3; band++)
                    pixels[(((y * width) + x) * 3) + band] = (byte)Math.Clamp(colour[band] * 255, 0, 255);
            }
        });
        return pixels;
    }

    private Vector3 Pixel(int x, int y, int width, int height)
    {
        var sum = Vector3.Zero;
        for (var i = 0; i < SamplesAcross * SamplesAcross; i++)
        {
            var salt = i * 4;
            var jitter = new Vector2(Noise.Hash(x, y, salt), Noise.Hash(x, y, salt + 1));
            var (column, row) = (i % SamplesAcross, i / SamplesAcross);
            var u = (x + ((column + Noise.Hash(x, y, salt + 2)) / SamplesAcross) - (width / 2f)) / width;
            var v = (y + ((row + Noise.Hash(x, y, salt + 3)) / SamplesAcross) - (height * Horizon)) / width;
            var ahead = Vector3.Normalize(new Vector3(u, -v, FocalLength));
            // Brightness is capped before averaging, or edges against the bright outside would stay jagged.
            sum += Vector3.Min(Seen(Eye, Turned(ahead), jitter, reflections: 1), new Vector3(3));
        }

        return sum / (SamplesAcross * SamplesAcross);
    }

    private static Vector3 Turned(Vector3 direction)
    {
        var (sine, cosine) = MathF.SinCos(Turn);
        return new Vector3((direction.X * cosine) + (direction.Z * sine), direction.Y, (direction.Z * cosine) - (direction.X * sine));
    }

    private Vector3 Seen(Vector3 from, Vector3 direction, Vector2 jitter, int reflections)
    {
        var (surface, point) = Room.Hit(from, direction);
        if (surface == Surface.Left && Room.InWindow(point.Y, point.Z))
            return ThroughWindow(point, direction, jitter);

        var (colour, gloss) = Room.Material(surface, point);
        var seen = colour * light.At(surface, point, jitter);
        if (gloss == 0 || reflections == 0)
            return seen;

        var normal = Room.Normal(surface);
        var grazing = 1 - MathF.Abs(Vector3.Dot(direction, normal));
        var mirrored = Vector3.Reflect(direction, normal) + (new Vector3(jitter.X - 0.5f, 0, jitter.Y - 0.5f) * 0.10f);
        mirrored.Y = MathF.Abs(mirrored.Y);
        var share = gloss * (0.035f + (0.6f * MathF.Pow(grazing, 5)));
        return seen + (Vector3.Min(Seen(point + (normal * 0.001f), Vector3.Normalize(mirrored), jitter, reflections - 1), new Vector3(2.5f)) * share);
    }

    private static Vector3 ThroughWindow(Vector3 atWall, Vector3 direction, Vector2 jitter)
    {
        var white = new Vector3(0.84f);
        var pane = atWall + (direction * (Room.GlassInset / -direction.X));
        if (Room.InWindow(pane.Y, pane.Z))
            return Room.IsFrame(pane.Y, pane.Z) ? white * 0.95f : Light.Outside(direction);

        // Which side of the opening the look meets first.
        var ty = direction.Y < 0 ? (Room.WindowSill - atWall.Y) / direction.Y : (Room.WindowHead - atWall.Y) / direction.Y;
        var tz = direction.Z < 0 ? (Room.WindowNear - atWall.Z) / direction.Z : (Room.WindowFar - atWall.Z) / direction.Z;
        var normal = ty < tz ? new Vector3(0, -MathF.Sign(direction.Y), 0) : new Vector3(0, 0, -MathF.Sign(direction.Z));
        return white * Light.OnReveal(atWall + (direction * MathF.Min(ty, tz)), normal, jitter);
    }

    // Film: exposure, soft shoulder, darker corners, display gamma, grain.
    private static Vector3 Develop(Vector3 light, int x, int y, int width, int height)
    {
        var fromCentre = new Vector2((x / (float)width) - 0.5f, (y / (float)height) - 0.5f).LengthSquared();
        light *= WhiteBalance * Exposure * (1 - (0.35f * fromCentre));
        var grain = (Noise.Hash(x, y, 901) + Noise.Hash(x, y, 902) - 1) * 0.014f;
        return new Vector3(Tone(light.X) + grain, Tone(light.Y) + grain, Tone(light.Z) + grain);

        static float Tone(float value) => MathF.Pow(value * (1 + (value / 4f)) / (1 + value), 1 / 1.9f) * 1.06f;
    }
}
