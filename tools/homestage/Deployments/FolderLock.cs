namespace HomeStage.Tool.Deployments;

/// <summary>Keeps two programs from one data folder. The kernel lets go of it when its holder dies, however that happens.</summary>
internal static class FolderLock
{
    /// <summary>Takes the lock, or null if another holds it.</summary>
    public static FileStream? TryTake(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Waits for the lock.</summary>
    public static async Task<FileStream> TakeAsync(string file, CancellationToken cancel)
    {
        while (true)
        {
            if (TryTake(file) is { } taken)
                return taken;
            await Task.Delay(100, cancel);
        }
    }
}
