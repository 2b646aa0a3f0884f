namespace HomeStage.Testing;

/// <summary>A folder for one test, open to the accounts that servers run as, and gone afterwards.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes the folder.</summary>
    public TemporaryFolder() =>
        Directory.CreateDirectory(FullPath);

    /// <summary>Its absolute path; short, since some servers limit the length of theirs.</summary>
    public string FullPath { get; } = Path.Combine(Path.GetTempPath(), $"homestage-{Guid.NewGuid().ToString("N")[..12]}");

    /// <summary>The path of something in the folder.</summary>
    public string File(string name) => Path.Combine(FullPath, name);

    /// <summary>Removes the folder and all in it.</summary>
    public void Dispose()
    {
        if (Directory.Exists(FullPath))
            Directory.Delete(FullPath, recursive: true);
    }
}
