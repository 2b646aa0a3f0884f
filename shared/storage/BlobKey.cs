namespace HomeStage.Storage;

/// <summary>
/// What a key may be: segments of <c>a-z 0-9 - .</c> joined by <c>/</c>, none empty and none starting with a dot; at most
/// 512 characters. So a key is the same in every store and on every file system, and can point nowhere else.
/// </summary>
public static class BlobKey
{
    private const int Longest = 512;
    private const int LongestSegment = 200;

    /// <summary>Whether this is a key.</summary>
    public static bool IsValid(string? key)
    {
        if (string.IsNullOrEmpty(key) || key.Length > Longest)
            return false;
        foreach (var segment in key.Split('/'))
        {
            if (segment.Length is 0 or > LongestSegment || segment[0] == '.' || segment.Any(c => !char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c is not ('-' or '.')))
                return false;
        }

        return true;
    }

    /// <summary>Refuses anything that is no key.</summary>
    /// <exception cref="ArgumentException">It is none; the message says what a key is.</exception>
    public static void Require(string key)
    {
        if (!IsValid(key))
            throw new ArgumentException("A blob key has segments of a-z, 0-9, '-' and '.', joined by '/', none empty or starting with '.', at most 512 characters.", nameof(key));
    }
}
