using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Gateway.Page;

/// <summary>A file of the page in memory, also compressed where that makes it smaller.</summary>
internal sealed class PageFile
{
    private readonly string _type;
    private readonly Form _plain;
    private readonly Form? _brotli;
    private readonly Form? _gzip;

    /// <param name="content">The file.</param>
    /// <param name="type">Its media type, without a character set.</param>
    internal PageFile(byte[] content, string type)
    {
        _type = type.StartsWith("text/", StringComparison.Ordinal) ? type + "; charset=utf-8" : type;
        var hash = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
        _plain = new(null, content, Tag(hash));
        if (type.StartsWith("image/", StringComparison.Ordinal) && type != "image/svg+xml")
            return;
        _brotli = Smaller("br", Compressed(content, target => new BrotliStream(target, CompressionLevel.SmallestSize)));
        _gzip = Smaller("gzip", Compressed(content, target => new GZipStream(target, CompressionLevel.SmallestSize)));

        Form? Smaller(string encoding, byte[] bytes) => bytes.Length < content.Length ? new(encoding, bytes, Tag($"{hash}-{encoding}")) : null;
    }

    /// <summary>Answers with the smallest form that the client takes, or with 304.</summary>
    internal Task ServeAsync(HttpContext context, string cacheControl)
    {
        var form = FormFor(context.Request.Headers.AcceptEncoding);
        var headers = context.Response.Headers;
        headers.CacheControl = cacheControl;
        headers.Vary = HeaderNames.AcceptEncoding;
        if (form.Encoding is not null)
            headers.ContentEncoding = form.Encoding;
        return TypedResults.Bytes(form.Bytes, _type, entityTag: form.Tag).ExecuteAsync(context);
    }

    private static EntityTagHeaderValue Tag(string name) => new($"\"{name}\"");

    private static byte[] Compressed(byte[] content, Func<Stream, Stream> compress)
    {
        using var target = new MemoryStream();
        using (var stream = compress(target))
            stream.Write(content);
        return target.ToArray();
    }

    private Form FormFor(IList<string?> accepted)
    {
        if (!StringWithQualityHeaderValue.TryParseList([.. accepted.OfType<string>()], out var encodings))
            return _plain;
        bool Takes(string encoding) => encodings.Any(one => one.Quality is not 0 && one.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase));
        if (_brotli is not null && Takes("br"))
            return _brotli;
        return _gzip is not null && Takes("gzip") ? _gzip : _plain;
    }

    private sealed record Form(string? Encoding, byte[] Bytes, EntityTagHeaderValue Tag);
}
