using System.IO.Compression;
using System.Text;
using HomeStage.Staging.Retention;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;

namespace HomeStage.Staging.Disclosures;

/// <summary>A zip archive with all that a listing needs of one picture.</summary>
internal static class DisclosureBundle
{
    internal static string NameOf(Disclosed disclosed) => $"{ImageRoutes.Name(disclosed.Job)}-{disclosed.Disclosure.N}";

    /// <summary>Makes the archive in a temporary file, which goes when the stream is closed. Null when one of the pictures is gone.</summary>
    internal static async Task<Stream?> MakeAsync(Disclosed disclosed, DisclosureTexts texts, IBlobStore blobs, CancellationToken cancellationToken)
    {
        var (disclosure, job) = disclosed;
        var (name, link, picture) = (NameOf(disclosed), texts.Link(disclosure), disclosed.Picture);
        (string Name, string Key)[] files = [($"{name}-virtually-staged", picture.Labeled), ($"{name}-original", job.OriginalBlob)];
        var at = job.FinishedAt ?? disclosure.CreatedAt;
        var made = new FileStream(
            Path.Combine(Path.GetTempPath(), LeftFiles.Archive + Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, bufferSize: 65_536, FileOptions.Asynchronous | FileOptions.DeleteOnClose);
        try
        {
            await using (var archive = await ZipArchive.CreateAsync(made, ZipArchiveMode.Create, leaveOpen: true, Encoding.UTF8, cancellationToken))
            {
                // Of a free staging the customer has no picture without the label.
                foreach (var (file, key) in job.Free == true ? files : [($"{name}-clean", picture.Clean), .. files])
                {
                    if (!await archive.AddPictureAsync(file, key, blobs, at, cancellationToken))
                        throw new FileNotFoundException();
                }

                foreach (var (file, text) in ((string, string)[])[("link.txt", link + "\n"), ("link-qr.svg", QrCode.Of(link).ToSvg()), ("listing.txt", texts.ForListing(disclosure) + "\n")])
                    await archive.AddAsync(file, CompressionLevel.Optimal, new MemoryStream(Encoding.UTF8.GetBytes(text), writable: false), at, cancellationToken);
            }

            made.Position = 0;
            return made;
        }
        catch (Exception error)
        {
            await made.DisposeAsync();
            if (error is FileNotFoundException)
                return null;
            throw;
        }
    }
}
