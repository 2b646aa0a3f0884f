using System.Text;

namespace HomeStage.Storage;

/// <summary>The last 64 bytes of a blob's file: its media type, padded with zeros. In the file itself, so that it can never belong to other content.</summary>
internal static class BlobFooter
{
    internal const int Size = 64;

    /// <exception cref="ArgumentException">The media type is none, or too long.</exception>
    internal static byte[] Of(string mediaType)
    {
        if (mediaType.Length is 0 or > Size || !mediaType.Contains('/') || mediaType.Any(c => c is <= ' ' or > '~'))
            throw new ArgumentException($"A media type looks like image/jpeg and has at most {Size} characters.", nameof(mediaType));
        var footer = new byte[Size];
        Encoding.ASCII.GetBytes(mediaType, footer);
        return footer;
    }

    /// <summary>Reads the media type and goes back to the start of the file.</summary>
    /// <exception cref="IOException">The file is no blob.</exception>
    internal static async Task<string> ReadAsync(FileStream file, CancellationToken cancellationToken)
    {
        if (file.Length < Size)
            throw new IOException("A file in the directory of blobs was not written by this store.");
        var footer = new byte[Size];
        file.Seek(-Size, SeekOrigin.End);
        await file.ReadExactlyAsync(footer, cancellationToken);
        file.Seek(0, SeekOrigin.Begin);
        return Encoding.ASCII.GetString(footer).TrimEnd('\0');
    }
}
