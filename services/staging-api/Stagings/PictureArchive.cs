using System.IO.Compression;
using HomeStage.Storage;

namespace HomeStage.Staging.Stagings;

/// <summary>Files in zip archives for customers.</summary>
internal static class PictureArchive
{
    /// <summary>Adds a picture, with the extension that its content has. False if it is not there.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="name">Without extension.</param>
    /// <param name="key">Where it is kept.</param>
    /// <param name="blobs">The store.</param>
    /// <param name="at">When it was made.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal static async Task<bool> AddPictureAsync(
        this ZipArchive archive, string name, string key, IBlobStore blobs, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await using var blob = await blobs.OpenAsync(key, cancellationToken);
        if (blob is null)
            return false;
        // Pictures are compressed already.
        await archive.AddAsync(name + ImageRoutes.Extension(await ImageRoutes.MediaTypeAsync(blob, cancellationToken)), CompressionLevel.NoCompression, blob.Content, at, cancellationToken);
        return true;
    }

    internal static async Task AddAsync(
        this ZipArchive archive, string file, CompressionLevel level, Stream content, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var entry = archive.CreateEntry(file, level);
        entry.LastWriteTime = at;
        await using var target = await entry.OpenAsync(cancellationToken);
        await content.CopyToAsync(target, cancellationToken);
    }
}
