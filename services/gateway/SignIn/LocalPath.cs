namespace HomeStage.Gateway.SignIn;

/// <summary>Where a person may be sent after a sign-in: a path of ours, and nothing that a browser could read as another host.</summary>
internal static class LocalPath
{
    private const int Longest = 1_000;

    internal static bool IsLocal(string path) =>
        path.Length is > 0 and <= Longest && path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal)
        && path.All(letter => letter is > ' ' and <= '~' and not '\\');
}
