using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace HomeStage.Storage;

/// <summary>Where and how blobs are kept at S3 or at a store that speaks its protocol.</summary>
public sealed record S3Options
{
    /// <summary>The bucket, which must exist.</summary>
    public required string Bucket { get; init; }

    /// <summary>The region, e.g. <c>eu-central-1</c>; also part of the signature at other stores.</summary>
    public required string Region { get; init; }

    /// <summary>Address of another store than Amazon's, which is then asked by path; null for Amazon's.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Key id and secret; null for what the environment grants (instance role, web identity).</summary>
    public (string Id, string Secret)? AccessKey { get; init; }

    /// <summary><c>AES256</c>, <c>aws:kms</c>, or null for what the bucket does by itself.</summary>
    public string? Encryption { get; init; } = "AES256";

    /// <summary>The key for <c>aws:kms</c>; null for the account's own.</summary>
    public string? KmsKey { get; init; }
}

/// <summary>
/// Blobs as objects of one bucket. A put is one request, or a multipart upload from <see cref="PartSize"/> on, which becomes visible as a
/// whole; each carries the SHA-256 of its bytes, which the store checks. An opened blob is asked for by ranges as it is read, so a reader that
/// pauses holds <see cref="PieceSize"/> and no connection.
/// </summary>
/// <remarks>A process that dies in a multipart upload leaves parts that nobody sees: let the bucket's lifecycle end incomplete uploads.</remarks>
public sealed class S3BlobStore : IBlobStore, IDisposable
{
    internal const int PartSize = 8 * 1024 * 1024;
    internal const int PieceSize = 256 * 1024;

    private readonly S3Options _options;
    private readonly AmazonS3Client _s3;

    /// <summary>Opens the store; does not ask it anything yet.</summary>
    public S3BlobStore(S3Options options)
        : this(options, http: null)
    {
    }

    internal S3BlobStore(S3Options options, HttpClientFactory? http)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        var config = new AmazonS3Config
        {
            AuthenticationRegion = options.Region,
            MaxErrorRetry = 3,
            Timeout = TimeSpan.FromSeconds(60),
            // The checksums are ours, in a header; the SDK's own would come behind the content, which other stores do not all understand.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            HttpClientFactory = http,
        };
        if (options.Endpoint is { } endpoint)
            (config.ServiceURL, config.ForcePathStyle) = (endpoint.AbsoluteUri, true);
        else
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(options.Region);
        _s3 = options.AccessKey is var (id, secret)
            ? new AmazonS3Client(new BasicAWSCredentials(id, secret), config)
            : new AmazonS3Client(config);
    }

    /// <inheritdoc/>
    public async Task PutAsync(string key, Stream content, string mediaType, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        ArgumentNullException.ThrowIfNull(content);
        _ = BlobFooter.Of(mediaType);
        var first = await ReadPartAsync(content, cancellationToken);
        if (first.Length < PartSize)
            await AskAsync(() => PutWholeAsync(key, first, mediaType, cancellationToken));
        else
            await PutInPartsAsync(key, first, content, mediaType, cancellationToken);
    }

    /// <inheritdoc/>
    public async Task<Blob?> OpenAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        return await AskAsync(async () =>
        {
            try
            {
                var request = new GetObjectRequest { BucketName = _options.Bucket, Key = key, ByteRange = new ByteRange(0, PieceSize - 1) };
                using var answer = await _s3.GetObjectAsync(request, cancellationToken);
                var length = LengthOf(answer);
                var first = new byte[Math.Min(length, PieceSize)];
                await answer.ResponseStream.ReadExactlyAsync(first, cancellationToken);
                return new Blob(new RangedStream(length, first, FetchAsync), length, answer.Headers.ContentType);

                Task FetchAsync(long offset, Memory<byte> into, CancellationToken stop) => AskAsync(() => ReadRangeAsync(key, answer.ETag, offset, into, stop));
            }
            catch (AmazonS3Exception empty) when (empty.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                var metadata = await _s3.GetObjectMetadataAsync(_options.Bucket, key, cancellationToken);
                return new Blob(Stream.Null, 0, metadata.Headers.ContentType);
            }
            catch (AmazonS3Exception missing) when (missing.StatusCode == HttpStatusCode.NotFound)
            {
                return RequireBucket<Blob>(missing);
            }
        });
    }

    /// <inheritdoc/>
    public Task<bool> ExistsAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        return AskAsync(async () =>
        {
            try
            {
                await _s3.GetObjectMetadataAsync(_options.Bucket, key, cancellationToken);
                return true;
            }
            catch (AmazonS3Exception missing) when (missing.StatusCode == HttpStatusCode.NotFound)
            {
                return false;
            }
        });
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(key);
        return AskAsync(() => _s3.DeleteObjectAsync(_options.Bucket, key, cancellationToken));
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<BlobEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (prefix.Length > 0)
            BlobKey.Require(prefix);
        var request = new ListObjectsV2Request { BucketName = _options.Bucket, Prefix = prefix.Length > 0 ? prefix + "/" : "" };
        ListObjectsV2Response page;
        do
        {
            page = await AskAsync(() => _s3.ListObjectsV2Async(request, cancellationToken));
            foreach (var item in page.S3Objects ?? [])
                yield return new BlobEntry(item.Key, item.Size ?? 0, new DateTimeOffset((item.LastModified ?? DateTime.UnixEpoch).ToUniversalTime()));
            request.ContinuationToken = page.NextContinuationToken;
        }
        while (page.IsTruncated == true);
    }

    /// <inheritdoc/>
    public async Task DeletePrefixAsync(string prefix, CancellationToken cancellationToken = default)
    {
        BlobKey.Require(prefix);
        await foreach (var entry in ListAsync(prefix, cancellationToken))
            await DeleteAsync(entry.Key, cancellationToken);
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _s3.Dispose();

    private async Task<bool> PutWholeAsync(string key, byte[] bytes, string mediaType, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream(bytes, writable: false);
        var request = new PutObjectRequest
        {
            BucketName = _options.Bucket,
            Key = key,
            InputStream = body,
            ContentType = mediaType,
            ChecksumSHA256 = Checksum(bytes),
            UseChunkEncoding = false,
        };
        if (_options.Encryption is { } encryption)
            (request.ServerSideEncryptionMethod, request.ServerSideEncryptionKeyManagementServiceKeyId) = (ServerSideEncryptionMethod.FindValue(encryption), _options.KmsKey);
        await _s3.PutObjectAsync(request, cancellationToken);
        return true;
    }

    private async Task PutInPartsAsync(string key, byte[] first, Stream content, string mediaType, CancellationToken cancellationToken)
    {
        var begin = new InitiateMultipartUploadRequest
        {
            BucketName = _options.Bucket,
            Key = key,
            ContentType = mediaType,
            ChecksumAlgorithm = ChecksumAlgorithm.SHA256,
        };
        if (_options.Encryption is { } encryption)
            (begin.ServerSideEncryptionMethod, begin.ServerSideEncryptionKeyManagementServiceKeyId) = (ServerSideEncryptionMethod.FindValue(encryption), _options.KmsKey);
        var upload = (await AskAsync(() => _s3.InitiateMultipartUploadAsync(begin, cancellationToken))).UploadId;
        try
        {
            var parts = new List<PartETag>();
            for (var part = first; part.Length > 0; part = part.Length < PartSize ? [] : await ReadPartAsync(content, cancellationToken))
                parts.Add(await AskAsync(() => PutPartAsync(key, upload, parts.Count + 1, part, cancellationToken)));
            await AskAsync(() => _s3.CompleteMultipartUploadAsync(
                new CompleteMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload, PartETags = parts }, cancellationToken));
        }
        catch
        {
            await TryAbortAsync(key, upload);
            throw;
        }
    }

    private async Task<PartETag> PutPartAsync(string key, string upload, int number, byte[] bytes, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream(bytes, writable: false);
        var checksum = Checksum(bytes);
        var answer = await _s3.UploadPartAsync(
            new UploadPartRequest
            {
                BucketName = _options.Bucket,
                Key = key,
                UploadId = upload,
                PartNumber = number,
                PartSize = bytes.Length,
                InputStream = body,
                ChecksumSHA256 = checksum,
                UseChunkEncoding = false,
            },
            cancellationToken);
        return new PartETag(number, answer.ETag) { ChecksumSHA256 = checksum };
    }

    private async Task TryAbortAsync(string key, string upload)
    {
        try
        {
            await _s3.AbortMultipartUploadAsync(new AbortMultipartUploadRequest { BucketName = _options.Bucket, Key = key, UploadId = upload }, CancellationToken.None);
        }
        catch (Exception error) when (error is AmazonServiceException or AmazonClientException or HttpRequestException)
        {
            // The bucket's lifecycle does it.
        }
    }

    private static async Task<byte[]> ReadPartAsync(Stream content, CancellationToken cancellationToken)
    {
        // Most blobs are small: a part grows only as far as its content.
        using var part = new MemoryStream();
        var buffer = new byte[81920];
        int read;
        while (part.Length < PartSize
            && (read = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, PartSize - part.Length)), cancellationToken)) > 0)
            part.Write(buffer, 0, read);
        return part.ToArray();
    }

    // With the tag of what was opened: a blob that was replaced meanwhile is refused instead of mixed.
    private async Task<bool> ReadRangeAsync(string key, string tag, long offset, Memory<byte> into, CancellationToken cancellationToken)
    {
        var last = offset + into.Length - 1;
        var request = new GetObjectRequest { BucketName = _options.Bucket, Key = key, ByteRange = new ByteRange(offset, last), EtagToMatch = tag };
        using var answer = await _s3.GetObjectAsync(request, cancellationToken);
        if (answer.ContentRange?.StartsWith($"bytes {offset}-{last}/", StringComparison.Ordinal) != true)
            throw new IOException("The store of blobs answered with another range than was asked for.");
        await answer.ResponseStream.ReadExactlyAsync(into, cancellationToken);
        return true;
    }

    // "bytes 0-99/1234"; none from a store that sends small objects whole.
    private static long LengthOf(GetObjectResponse answer) =>
        answer.ContentRange is { } range ? long.Parse(range.AsSpan(range.IndexOf('/', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture) : answer.ContentLength;

    private static string Checksum(byte[] bytes) => Convert.ToBase64String(SHA256.HashData(bytes));

    // A bucket that is not there is trouble with the store, not a blob that is not there.
    private static T? RequireBucket<T>(AmazonS3Exception missing)
        where T : class =>
        missing.ErrorCode == "NoSuchBucket" ? throw missing : null;

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception error) when (error is AmazonServiceException or AmazonClientException or HttpRequestException or WebException or TimeoutException)
        {
            throw new IOException("The store of blobs cannot be reached, or refused.", error);
        }
    }
}
