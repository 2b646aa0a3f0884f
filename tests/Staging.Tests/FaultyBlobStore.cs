using HomeStage.Storage;

namespace HomeStage.Staging.Tests;

/// <summary>A store that can be told to fail.</summary>
internal sealed class FaultyBlobStore(IBlobStore inner) : IBlobStore
{
    internal bool Fails { get; set; }

    /// <summary>Uploaded photos cannot be deleted.</summary>
    internal bool KeepsPhotos { get; set; }

    /// <summary>Asked, when it is looked for a file, whether it is not to be found.</summary>
    internal Func<string, Task<bool>> Hides { get; set; } = _ => Task.FromResult(false);

    public Task PutAsync(string key, Stream content, string mediaType, CancellationToken cancellationToken = default) =>
        Fails ? throw new IOException("The disk is full.") : inner.PutAsync(key, content, mediaType, cancellationToken);

    public Task<Blob?> OpenAsync(string key, CancellationToken cancellationToken = default) => inner.OpenAsync(key, cancellationToken);

    public async Task<bool> ExistsAsync(string key, CancellationToken cancellationToken = default) => !await Hides(key) && await inner.ExistsAsync(key, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken = default) =>
        KeepsPhotos && key.StartsWith("photos/", StringComparison.Ordinal) ? throw new IOException("The disk is read-only.") : inner.DeleteAsync(key, cancellationToken);

    public IAsyncEnumerable<BlobEntry> ListAsync(string prefix, CancellationToken cancellationToken = default) => inner.ListAsync(prefix, cancellationToken);

    public Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default) => inner.DeletePrefixAsync(prefix, cancellationToken);
}
