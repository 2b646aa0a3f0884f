using System.Runtime.InteropServices;

namespace HomeStage.Storage;

/// <summary>
/// Files by key, shared by several services and their replicas. Keys are lower-case paths, see <see cref="BlobKey"/>.
/// Every method may be repeated safely.
/// </summary>
/// <remarks>
/// Implementations throw <see cref="IOException"/> when the store cannot be reached or is full, and
/// <see cref="ArgumentException"/> for a key that is none.
/// </remarks>
public interface IBlobStore
{
    /// <summary>
    /// Stores a blob, whole or not at all, in place of any other under that key. When it returns, the content survives a
    /// power failure. Readers see the old content or the new, never a mixture.
    /// </summary>
    /// <param name="key">Where.</param>
    /// <param name="content">Read to its end; not disposed.</param>
    /// <param name="mediaType">What it is, for example <c>image/jpeg</c>.</param>
    /// <param name="cancellationToken">Gives up; nothing is stored then.</param>
    Task PutAsync(string key, Stream content, string mediaType, CancellationToken cancellationToken = default);

    /// <summary>
    /// Opens a blob for reading. What is read is the content that it had then; if it is deleted or replaced meanwhile, a store may fail the
    /// rest of a large one with <see cref="IOException"/>.
    /// </summary>
    /// <returns>The blob, for the caller to dispose; null when there is none.</returns>
    Task<Blob?> OpenAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Whether there is a blob under the key.</summary>
    Task<bool> ExistsAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>Removes a blob; does nothing when there is none.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Every blob below a prefix of whole segments (<c>a/b</c> lists <c>a/b/c</c>, not <c>a/bc</c>), in no promised order;
    /// an empty prefix lists all. What is stored or deleted meanwhile may be missing or included.
    /// </summary>
    IAsyncEnumerable<BlobEntry> ListAsync(string prefix, CancellationToken cancellationToken = default);

    /// <summary>Removes every blob below a prefix of whole segments, which must not be empty.</summary>
    Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default);
}

/// <summary>One blob in a listing.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Length">Its size in bytes.</param>
/// <param name="StoredAt">When it was last put, UTC.</param>
public sealed record BlobEntry(string Key, long Length, DateTimeOffset StoredAt);

/// <summary>A blob opened for reading.</summary>
public sealed class Blob(Stream content, long length, string mediaType) : IAsyncDisposable, IDisposable
{
    /// <summary>The content, seekable, at its start.</summary>
    public Stream Content { get; } = content;

    /// <summary>Its size in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>What it was stored as, for example <c>image/jpeg</c>.</summary>
    public string MediaType { get; } = mediaType;

    /// <summary>The whole content in memory.</summary>
    public async Task<byte[]> ReadAllAsync(CancellationToken cancellationToken = default)
    {
        var bytes = new byte[checked((int)Length)];
        await Content.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => Content.Dispose();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Content.DisposeAsync();
}

/// <summary>Conveniences over any store.</summary>
public static class BlobStoreExtensions
{
    /// <inheritdoc cref="IBlobStore.PutAsync"/>
    public static async Task PutAsync(this IBlobStore store, string key, ReadOnlyMemory<byte> content, string mediaType, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        using var stream = MemoryMarshal.TryGetArray(content, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(content.ToArray(), writable: false);
        await store.PutAsync(key, stream, mediaType, cancellationToken);
    }

    /// <summary>The whole blob in memory; null when there is none.</summary>
    public static async Task<byte[]?> ReadAsync(this IBlobStore store, string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        await using var blob = await store.OpenAsync(key, cancellationToken);
        return blob is null ? null : await blob.ReadAllAsync(cancellationToken);
    }
}
