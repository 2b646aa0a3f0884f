using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;

namespace HomeStage.Gateway.Page;

/// <summary>
/// The page's files, read once. Pages name what they load under <c>/v/current/</c>; served, that is <c>/v/{version}/</c> with
/// the hash of all files, kept by browsers for ever. Modules import each other by relative addresses, so they are always of one version.
/// </summary>
internal sealed class PageFiles
{
    private const string Versions = "/v/";
    private const string Unversioned = "/v/current/";
    private const string Forever = "public, max-age=31536000, immutable";
    private const string AskEachTime = "no-cache";

    /// <summary>The pages of a staging and of a listing; what follows is its id.</summary>
    private static readonly string[] Things = ["/stagings/", "/listings/"];

    private static readonly FrozenSet<string> Views = FrozenSet.Create(StringComparer.Ordinal, "/", "/library", "/credits", "/account");

    private readonly FrozenDictionary<string, PageFile> _files;
    private readonly string _current;

    private PageFiles(FrozenDictionary<string, PageFile> files, string version) => (_files, _current) = (files, Versions + version + "/");

    /// <summary>Reads all files, and puts the version into the pages.</summary>
    internal static PageFiles Read(IFileProvider folder)
    {
        var contents = Walk(folder, "").ToDictionary(file => file.Path, file => file.Content, StringComparer.Ordinal);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, content) in contents.OrderBy(file => file.Key, StringComparer.Ordinal).Where(file => !IsData(file.Key)))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path));
            hash.AppendData(SHA256.HashData(content));
        }

        var version = Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
        foreach (var path in contents.Keys.Where(path => path.EndsWith(".html", StringComparison.Ordinal)))
            contents[path] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(contents[path]).Replace(Unversioned, $"{Versions}{version}/", StringComparison.Ordinal));

        var types = new FileExtensionContentTypeProvider();
        return new(
            contents.ToFrozenDictionary(
                file => file.Key,
                file => new PageFile(file.Value, types.TryGetContentType(file.Key, out var type) ? type : "application/octet-stream"),
                StringComparer.Ordinal),
            version);
    }

    /// <summary>The file for a path and how long it may be kept; null if there is none.</summary>
    internal (PageFile File, string CacheControl)? Find(string path)
    {
        if (Views.Contains(path) || Things.Any(thing => path.StartsWith(thing, StringComparison.Ordinal) && Guid.TryParse(path.AsSpan(thing.Length), out _)))
            return Found("/index.html", AskEachTime);
        if (path.EndsWith('/'))
            return Found(path + "index.html", AskEachTime);
        if (path.StartsWith(_current, StringComparison.Ordinal))
            return Found(path[(_current.Length - 1)..], Forever);
        // A page of another version, while replicas are being replaced: it gets what there is, and nobody keeps it.
        if (path.StartsWith(Versions, StringComparison.Ordinal) && path.IndexOf('/', Versions.Length) is > 0 and var end)
            return Found(path[end..], "no-store");
        // The API document: programs that read it at each start need not ask each time.
        return Found(path, IsData(path) ? "public, max-age=300" : AskEachTime);
    }

    private static bool IsData(string path) => path.StartsWith("/openapi/", StringComparison.Ordinal);

    private static IEnumerable<(string Path, byte[] Content)> Walk(IFileProvider folder, string path)
    {
        foreach (var entry in folder.GetDirectoryContents(path))
        {
            if (entry.IsDirectory)
            {
                foreach (var file in Walk(folder, $"{path}/{entry.Name}"))
                    yield return file;
            }
            else
            {
                using var content = new MemoryStream();
                using (var stream = entry.CreateReadStream())
                    stream.CopyTo(content);
                yield return ($"{path}/{entry.Name}", content.ToArray());
            }
        }
    }

    private (PageFile File, string CacheControl)? Found(string path, string cacheControl) =>
        _files.TryGetValue(path, out var file) ? (file, cacheControl) : null;
}
