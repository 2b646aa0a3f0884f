using System.IO.Enumeration;
using System.Runtime.CompilerServices;

namespace HomeStage.Storage;

/// <summary>
/// Blobs as files in one directory, which several processes may share. A put writes a temporary file, flushes it to the
/// disk, renames it into place and flushes the directory, so a crash at any point leaves the old blob or the new one. What
/// crashes leave behind among the temporary files is swept after an hour.
/// </summary>
/// <remarks>
/// Layout: <c>blobs/…/name~</c> holds the content followed by a footer of 64 bytes with the media type; the <c>~</c>, which no
/// key contains, keeps a blob <c>a</c> apart from the folder of blobs <c>a/…</c>. <c>incoming/</c> holds the temporary files.
/// </remarks>
public sealed class DirectoryBlobStore : IBlobStore
{
    private const char Leaf = '~';
    private static readonly TimeSpan Abandoned = TimeSpan.FromHours(1);

    private readonly string _blobs;
    private readonly string _incoming;
    private readonly TimeProvider _time;
    private long _nextSweep;

    /// <summary>Opens the store, making the directory where it is missing.</summary>
    /// <param name="root">An absolute path.</param>
    /// <param name="time">The clock; the system's when null.</param>
    /// <exception cref="ArgumentException">The path is not absolute.</exception>
    /// <exception cref="IOException">The directory cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">This process may not write there.</exception>
    public DirectoryBlobStore(string root, TimeProvider? time = null)
    {
        if (!Path.IsPathFullyQualified(root))
            throw new ArgumentException($"The directory of blobs must be an absolute path, not \"{root}\".", nameof(root));
        _blobs = Path.Combine(root, "blobs");
        _incoming = Path.Combine(root, "incoming");
        _time = time ?? TimeProvider.System;
        Directory.CreateDirectory(_blobs);
        Directory.CreateDirectory(_incoming);
        SweepWhenDue();
    }

    /// <inheritdoc/>
    public async Task PutAsync(string key, Stream content, string mediaType, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        ArgumentNullException.ThrowIfNull(content);
        var footer = BlobFooter.Of(mediaType);
        SweepWhenDue();

        var temporary = Path.Combine(_incoming, Guid.CreateVersion7().ToString("n"));
        try
        {
            await using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0, useAsync: true))
            {
                await content.CopyToAsync(file, cancellationToken);
                await file.WriteAsync(footer, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            cancellationToken.ThrowIfCancellationRequested();
            MoveIntoPlace(temporary, PathOf(key));
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<Blob?> OpenAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        FileStream file;
        try
        {
            file = new FileStream(PathOf(key), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, useAsync: true);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        try
        {
            var mediaType = await BlobFooter.ReadAsync(file, cancellationToken);
            var length = file.Length - BlobFooter.Size;
            return new Blob(new HeadStream(file, length), length, mediaType);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        return Task.FromResult(File.Exists(PathOf(key)));
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        var path = PathOf(key);
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            return Task.CompletedTask;
        }

        RemoveEmptyFolders(Path.GetDirectoryName(path)!);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (prefix.Length > 0)
            BlobKey.Require(prefix);
        await foreach (var entry in Entries(prefix).ToAsyncEnumerable().WithCancellation(cancellationToken))
            yield return entry;
    }

    /// <inheritdoc/>
    public async Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(prefix);
        await foreach (var entry in ListAsync(prefix, cancellationToken))
            await DeleteAsync(entry.Key, cancellationToken);
    }

    private string PathOf(string key) => Path.Combine(_blobs, key) + Leaf;

    // A delete may take a folder away while it is made or before the move, of which each says something else: then once more.
    private void MoveIntoPlace(string temporary, string path)
    {
        const int mostTries = 100;
        var folder = Path.GetDirectoryName(path)!;
        for (var tries = 1; ; tries++)
        {
            try
            {
                Directory.CreateDirectory(folder);
                File.Move(temporary, path, overwrite: true);
                break;
            }
            catch (IOException) when (tries < mostTries && File.Exists(temporary))
            {
            }
        }

        for (; folder.Length >= _blobs.Length; folder = Path.GetDirectoryName(folder)!)
            DirectoryFlush.ToDisk(folder);
    }

    private void RemoveEmptyFolders(string folder)
    {
        for (; folder.Length > _blobs.Length; folder = Path.GetDirectoryName(folder)!)
        {
            try
            {
                Directory.Delete(folder);
            }
            catch (DirectoryNotFoundException)
            {
                // Another delete was here first.
            }
            catch (IOException)
            {
                return;
            }
        }
    }

    private FileSystemEnumerable<BlobEntry>? Files(string prefix)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        try
        {
            return new FileSystemEnumerable<BlobEntry>(Path.Combine(_blobs, prefix), Entry, options)
            {
                // A file deleted meanwhile has no length.
                ShouldIncludePredicate = (ref FileSystemEntry entry) =>
                    !entry.IsDirectory && entry.FileName[^1] == Leaf && entry.Length >= BlobFooter.Size,
            };
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    private IEnumerable<BlobEntry> Entries(string prefix) => Files(prefix) ?? Enumerable.Empty<BlobEntry>();

    private BlobEntry Entry(ref FileSystemEntry entry)
    {
        var path = entry.ToFullPath();
        var key = path[(_blobs.Length + 1)..^1].Replace(Path.DirectorySeparatorChar, '/');
        return new BlobEntry(key, entry.Length - BlobFooter.Size, entry.LastWriteTimeUtc);
    }

    private void SweepWhenDue()
    {
        var now = _time.GetUtcNow();
        var due = Interlocked.Read(ref _nextSweep);
        if (now.Ticks < due || Interlocked.CompareExchange(ref _nextSweep, (now + Abandoned).Ticks, due) != due)
            return;
        foreach (var file in new DirectoryInfo(_incoming).EnumerateFiles())
        {
            if (now.UtcDateTime - file.LastWriteTimeUtc > Abandoned)
                file.Delete();
        }
    }
}
