namespace HomeStage.Tool.Servers;

/// <summary>Files that only their owner may read, from their first byte on.</summary>
internal static class PrivateFile
{
    public const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Replaces the file as a whole: a reader sees the old content or the new, never a part.</summary>
    public static void Write(string file, string content)
    {
        var next = file + ".next";
        File.Delete(next);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = Mode;
        using (var writer = new StreamWriter(next, options))
            writer.Write(content);
        File.Move(next, file, overwrite: true);
    }
}
