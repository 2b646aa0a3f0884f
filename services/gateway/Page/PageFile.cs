using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Gateway.Page;

/// <summary>A file of the page in memory. Where it gets smaller by that, it is compressed as far as can be, once, when it is first asked for.</summary>
internal sealed class PageFile
{
    private readonly string _type;
    private readonly Form _plain;
    private readonly Lazy<Form> _brotli;
    private readonly Lazy<Form> _gzip;

    /// <param name="content">The file.</param>
    /// <param name="type">Its media type, without a character set.</param>
    internal PageFile(byte[] content, string type)
    {
        _type = type.StartsWith("text/", StringComparison.Ordinal) ? type + "; charset=utf-8" : type;
        var hash = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
        _plain = new(null, content, Tag(hash));
        var isCompressed = type.StartsWith("image/", StringComparison.Ordinal) && type != "image/svg+xml";
        _brotli = new(() => Smaller("br", target => new BrotliStream(target, CompressionLevel.SmallestSize)));
        _gzip = new(() => Smaller("gzip", target => new GZipStream(target, CompressionLevel.SmallestSize)));

        Form Smaller(string encoding, Func<Stream, Stream> compress)
        {
            if (isCompressed)
                return _plain;
            var bytes = Compressed(content, compress);
            return bytes.Length < content.Length ? new(encoding, bytes, Tag($"{hash}-{encoding}")) : _plain;
        }
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
        if (Takes("br"))
            return _brotli.Value;
        return Takes("gzip") ? _gzip.Value : _plain;
    }

    private sealed record Form(string? Encoding, byte[] Bytes, EntityTagHeaderValue Tag);
}
