using System.IO.Compression;
using System.Text;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Stagings;
using HomeStage.Storage;

namespace HomeStage.Staging.Listings;

/// <summary>All pictures of a listing that are there, as a zip archive, written while it is read.</summary>
internal static class ListingArchive
{
    /// <param name="output">Is written once from begin to end.</param>
    /// <param name="jobs">The listing's jobs, in order.</param>
    /// <param name="blobs">The store.</param>
    /// <param name="cancellationToken">Gives up; the archive is then cut.</param>
    internal static async Task WriteAsync(Stream output, IReadOnlyList<Job> jobs, IBlobStore blobs, CancellationToken cancellationToken)
    {
        await using var archive = await ZipArchive.CreateAsync(output, ZipArchiveMode.Create, leaveOpen: true, Encoding.UTF8, cancellationToken);
        foreach (var job in jobs)
        {
            for (var index = 0; index < job.Pictures.Length; index++)
            {
                var picture = job.Pictures[index];
                var (name, at) = ($"{job.ListingN:00}-{ImageRoutes.Name(job)}-{index + 1}", job.FinishedAt ?? job.CreatedAt);
                // Of a free staging the customer has no picture without the label. One that was deleted in this moment is left out.
                if (job.Free != true)
                    await archive.AddPictureAsync($"{name}-clean", picture.Clean, blobs, at, cancellationToken);
                await archive.AddPictureAsync($"{name}-virtually-staged", picture.Labeled, blobs, at, cancellationToken);
            }
        }
    }

    /// <summary>A file name for it: of its name what any file system takes.</summary>
    internal static string NameOf(Listing listing)
    {
        var letters = (listing.Name ?? "").Normalize(NormalizationForm.FormD).ToLowerInvariant().Where(letter => char.IsAsciiLetterOrDigit(letter) || letter is ' ' or '-').ToArray();
        var name = string.Join('-', new string(letters).Split([' ', '-'], StringSplitOptions.RemoveEmptyEntries));
        return name.Length == 0 ? "listing.zip" : $"listing-{name}.zip";
    }
}
