using System.Runtime.InteropServices;

namespace HomeStage.Storage;

/// <summary>Flushes a directory's entries, so that a rename survives a power failure. The framework opens no directories.</summary>
internal static partial class DirectoryFlush
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The disk refused. A directory that is gone has nothing to flush.</exception>
    internal static void ToDisk(string directory)
    {
        var descriptor = Open(directory, ReadOnly);
        if (descriptor < 0)
        {
            if (Directory.Exists(directory))
                throw new IOException($"A directory of blobs cannot be opened (error {Marshal.GetLastPInvokeError()}).");
            return;
        }

        try
        {
            if (Sync(descriptor) != 0)
                throw new IOException($"A directory of blobs cannot be flushed to the disk (error {Marshal.GetLastPInvokeError()}).");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
