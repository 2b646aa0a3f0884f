namespace HomeStage.Testing;

/// <summary>A folder for one test, open to the accounts that servers run as, and gone afterwards.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private const int MostTries = 50;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Makes the folder.</summary>
    public TemporaryFolder() =>
        Directory.CreateDirectory(FullPath);

    /// <summary>Its absolute path; short, since some servers limit the length of theirs.</summary>
    public string FullPath { get; } = Path.Combine(Path.GetTempPath(), $"homestage-{Guid.NewGuid().ToString("N")[..12]}");

    /// <summary>The path of something in the folder.</summary>
    public string File(string name) => Path.Combine(FullPath, name);

    /// <summary>Removes the folder and all in it, also what a program's last helpers are still writing.</summary>
    public void Dispose()
    {
        for (var left = MostTries; Directory.Exists(FullPath); left--)
        {
            try
            {
                Directory.Delete(FullPath, recursive: true);
            }
            catch (IOException) when (left > 0)
            {
                Thread.Sleep(Pause);
            }
        }
    }
}
