namespace HomeStage.Samples;

/// <summary>Repeatable randomness: the same picture on every machine.</summary>
internal static class Noise
{
    /// <summary>0..1 for a cell of an integer grid.</summary>
    internal static float Hash(int x, int y, int salt = 0)
    {
        var h = unchecked(((uint)x * 0x9E3779B1u) ^ ((uint)y * 0x85EBCA77u) ^ ((uint)salt * 0xC2B2AE3Du));
        h = unchecked((h ^ (h >> 15)) * 0x2C1B3C6Du);
        h = unchecked((h ^ (h >> 12)) * 0x297A2D39u);
        return (h ^ (h >> 15)) / (float)uint.MaxValue;
    }

    /// <summary>Smooth noise, 0..1, with features of about one unit.</summary>
    internal static float Smooth(float x, float y, int salt)
    {
        var (cellX, cellY) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
        var (u, v) = (Ease(x - cellX), Ease(y - cellY));
        var near = float.Lerp(Hash(cellX, cellY, salt), Hash(cellX + 1, cellY, salt), u);
        var far = float.Lerp(Hash(cellX, cellY + 1, salt), Hash(cellX + 1, cellY + 1, salt), u);
        return float.Lerp(near, far, v);
    }

    /// <summary>Smooth noise with finer noise on top, 0..1.</summary>
    internal static float Rough(float x, float y, int salt) =>
        (Smooth(x, y, salt) * 0.55f) + (Smooth(x * 2.1f, y * 2.1f, salt + 1) * 0.28f) + (Smooth(x * 4.3f, y * 4.3f, salt + 2) * 0.17f);

    private static float Ease(float t) => t * t * (3 - (2 * t));
}
