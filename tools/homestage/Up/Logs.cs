namespace HomeStage.Tool.Up;

/// <summary>The logs of this run and of the one before.</summary>
internal static class Logs
{
    public static void Begin(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var log in Directory.EnumerateFiles(folder, "*.log").ToList())
            File.Move(log, log + ".1", overwrite: true);
    }
}
