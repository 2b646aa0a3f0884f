using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using HomeStage.Testing;
using HomeStage.Tool;
using HomeStage.Tool.Servers;
using Shouldly;
using Xunit;

namespace HomeStage.Storage.Tests;

/// <summary>npm's S3 server, on loopback, with its objects in a temporary folder.</summary>
public sealed class S3Server : IAsyncLifetime
{
    public const string Key = "S3RVER";

    private readonly TemporaryFolder _folder = new();
    private Process? _server;

    public Uri Url { get; } = new($"http://127.0.0.1:{FreePorts.Next()}");

    public async ValueTask InitializeAsync()
    {
        _server = await NodeProgram.StartAsync(Path.Combine(SourceTree.Root, "tests", "npm", "s3rver.mjs"), _ => { }, $"{Url.Port}", _folder.FullPath);
        using var client = new HttpClient();
        await Eventually.Async(async () => (await client.GetAsync(Url, TestContext.Current.CancellationToken)).IsSuccessStatusCode, "the S3 server answers");
    }

    public ValueTask DisposeAsync()
    {
        _server?.Kill();
        _server?.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

public sealed class S3BlobStoreTests(S3Server server) : BlobStoreContract, IClassFixture<S3Server>, IAsyncLifetime
{
    private readonly string _bucket = $"test-{Guid.NewGuid():n}";
    private readonly Recorder _sent = new();
    private S3BlobStore? _store;

    protected override IBlobStore Store => _store!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var admin = new AmazonS3Client(
            new BasicAWSCredentials(S3Server.Key, S3Server.Key), new AmazonS3Config { ServiceURL = server.Url.AbsoluteUri, ForcePathStyle = true, AuthenticationRegion = "us-east-1" });
        await admin.PutBucketAsync(_bucket, Stop);
        _store = new S3BlobStore(Options(server.Url), _sent);
    }

    public ValueTask DisposeAsync()
    {
        _store?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_put_is_encrypted_at_rest_and_carries_the_checksum_of_its_bytes()
    {
        var content = RandomNumberGenerator.GetBytes(100_000);

        await Store.PutAsync("a/b.jpg", content, "image/jpeg", Stop);

        var put = _sent.Requests.Single(request => request.Method == "PUT");
        put.Headers["x-amz-server-side-encryption"].ShouldBe("AES256");
        put.Headers["x-amz-checksum-sha256"].ShouldBe(Convert.ToBase64String(SHA256.HashData(content)));
        put.Headers["x-amz-content-sha256"].ShouldBe(Convert.ToHexStringLower(SHA256.HashData(content)));
    }

    [Theory]
    [InlineData(S3BlobStore.PartSize - 1, 0)]
    [InlineData(S3BlobStore.PartSize, 1)]
    [InlineData((2 * S3BlobStore.PartSize) + 5, 3)]
    public async Task A_large_blob_goes_in_parts_and_comes_back_whole(int size, int parts)
    {
        var content = RandomNumberGenerator.GetBytes(size);

        await Store.PutAsync("large", content, "image/png", Stop);

        _sent.Requests.Count(request => request.Query.Contains("partNumber=", StringComparison.Ordinal)).ShouldBe(parts);
        await using var blob = (await Store.OpenAsync("large", Stop)).ShouldNotBeNull();
        (blob.Length, blob.MediaType).ShouldBe((size, "image/png"));
        (await blob.ReadAllAsync(Stop)).ShouldBe(content);
    }

    [Fact]
    public async Task An_opened_blob_is_asked_for_as_it_is_read_and_only_as_what_it_was()
    {
        var content = RandomNumberGenerator.GetBytes(5 * S3BlobStore.PieceSize);
        await Store.PutAsync("large", content, "image/png", Stop);

        await using var blob = (await Store.OpenAsync("large", Stop))!;
        await blob.Content.ReadExactlyAsync(new byte[S3BlobStore.PieceSize], Stop);
        Ranges().ShouldBe(["bytes=0-262143"]);
        await blob.Content.ReadExactlyAsync(new byte[1], Stop);
        await blob.Content.ReadExactlyAsync(new byte[S3BlobStore.PieceSize - 1], Stop);
        Ranges().ShouldBe(["bytes=0-262143", "bytes=262144-524287"]);
        await blob.Content.ReadExactlyAsync(new byte[3 * S3BlobStore.PieceSize], Stop);

        Ranges().ShouldBe(["bytes=0-262143", "bytes=262144-524287", "bytes=524288-1310719"]);
        _sent.Requests.Where(request => request.Method == "GET").Skip(1).ShouldAllBe(request => request.Headers["If-Match"].Length > 2);

        IEnumerable<string> Ranges() => _sent.Requests.Where(request => request.Method == "GET").Select(request => request.Headers["Range"]);
    }

    [Fact]
    public async Task An_upload_in_parts_whose_source_fails_is_ended_and_leaves_the_old_blob()
    {
        await Store.PutAsync("a", "old"u8.ToArray(), "image/png", Stop);
        await using var broken = new BreaksAfter(S3BlobStore.PartSize + 10);

        await Should.ThrowAsync<InvalidDataException>(() => Store.PutAsync("a", broken, "image/png", Stop));

        (await Store.ReadAsync("a", Stop)).ShouldBe("old"u8.ToArray());
        _sent.Requests.ShouldContain(request => request.Method == "DELETE" && request.Query.Contains("uploadId=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task More_blobs_than_a_page_are_all_listed()
    {
        // npm's server makes its tokens with a cipher that OpenSSL 3 no longer has: the pages are played.
        foreach (var (key, next) in (ReadOnlySpan<(string, string?)>)[("many/a", "token+1"), ("many/b", null)])
        {
            _sent.Answers.Enqueue($"""
                <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><IsTruncated>{(next is null ? "false" : "true")}</IsTruncated>
                <Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><Size>7</Size></Contents>
                {(next is null ? "" : $"<NextContinuationToken>{next}</NextContinuationToken>")}</ListBucketResult>
                """);
        }

        (await Store.ListAsync("many", Stop).ToListAsync(Stop)).ShouldBe([
            new("many/a", 7, new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)), new("many/b", 7, new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))]);
        _sent.Requests.Last().Query.ShouldContain("continuation-token=token%2B1");
    }

    [Fact]
    public async Task A_store_that_is_away_or_has_no_such_bucket_is_an_input_output_error()
    {
        using var away = new S3BlobStore(Options(new Uri("http://127.0.0.1:1")));
        using var elsewhere = new S3BlobStore(Options(server.Url) with { Bucket = "no-such-bucket" });

        foreach (var store in (S3BlobStore[])[away, elsewhere])
        {
            await Should.ThrowAsync<IOException>(() => store.PutAsync("a", "x"u8.ToArray(), "image/png", Stop));
            await Should.ThrowAsync<IOException>(() => store.OpenAsync("a", Stop));
            await Should.ThrowAsync<IOException>(async () => await store.ListAsync("a", Stop).AnyAsync(Stop));
        }
    }

    private S3Options Options(Uri endpoint) =>
        new() { Bucket = _bucket, Region = "us-east-1", Endpoint = endpoint, AccessKey = (S3Server.Key, S3Server.Key) };

    /// <summary>Remembers what was sent, and may answer itself.</summary>
    private sealed class Recorder : HttpClientFactory
    {
        public ConcurrentQueue<(string Method, string Query, IReadOnlyDictionary<string, string> Headers)> Requests { get; } = [];

        /// <summary>What is answered in place of the server, in order.</summary>
        public ConcurrentQueue<string> Answers { get; } = [];

        public override HttpClient CreateHttpClient(IClientConfig clientConfig) => new(new Handler(this));

        private sealed class Handler(Recorder recorder) : DelegatingHandler(new SocketsHttpHandler())
        {
            protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            {
                recorder.Requests.Enqueue((request.Method.Method, request.RequestUri!.Query, request.Headers.NonValidated.ToDictionary(
                    header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
                return recorder.Answers.TryDequeue(out var answer)
                    ? Task.FromResult(new HttpResponseMessage { Content = new StringContent(answer, Encoding.UTF8, "application/xml"), RequestMessage = request })
                    : base.SendAsync(request, cancellationToken);
            }
        }
    }

    /// <summary>Gives zeros, and then fails.</summary>
    private sealed class BreaksAfter(int length) : MemoryStream(new byte[length], writable: false)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new InvalidDataException("The source broke.");
    }
}
