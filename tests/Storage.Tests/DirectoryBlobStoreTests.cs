using Shouldly;
using Xunit;

namespace HomeStage.Storage.Tests;

public sealed class DirectoryBlobStoreTests : BlobStoreContract, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("blobs-").FullName;
    private readonly Clock _clock = new();
    private readonly DirectoryBlobStore _store;

    public DirectoryBlobStoreTests() => _store = new DirectoryBlobStore(_root, _clock);

    protected override IBlobStore Store => _store;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_crash_in_the_middle_of_a_put_leaves_the_old_blob_and_the_remains_are_swept()
    {
        await Store.PutAsync("a", "old"u8.ToArray(), "image/jpeg", Stop);
        var remains = Path.Combine(_root, "incoming", "left-by-a-crash");
        await File.WriteAllTextAsync(remains, "half a pic", Stop);

        var reopened = new DirectoryBlobStore(_root, _clock);
        (await reopened.ReadAsync("a", Stop)).ShouldBe("old"u8.ToArray());
        File.Exists(remains).ShouldBeTrue("it could be another process's put under way");

        _clock.Now += TimeSpan.FromHours(2);
        await reopened.PutAsync("b", "x"u8.ToArray(), "image/jpeg", Stop);
        File.Exists(remains).ShouldBeFalse();
    }

    [Fact]
    public async Task Nothing_temporary_stays_after_puts_that_succeed_or_fail()
    {
        await Store.PutAsync("a", "x"u8.ToArray(), "image/jpeg", Stop);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => Store.PutAsync("b", new byte[100], "image/jpeg", cancelled.Token));
        Directory.GetFiles(Path.Combine(_root, "incoming")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Empty_folders_go_with_their_last_blob()
    {
        await Store.PutAsync("a/b/c", "x"u8.ToArray(), "image/jpeg", Stop);
        await Store.DeleteAsync("a/b/c", Stop);
        Directory.GetFileSystemEntries(Path.Combine(_root, "blobs")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_stores_on_one_directory_see_each_others_blobs()
    {
        var other = new DirectoryBlobStore(_root);
        await Store.PutAsync("a", "x"u8.ToArray(), "image/jpeg", Stop);
        (await other.ReadAsync("a", Stop)).ShouldBe("x"u8.ToArray());
    }

    [Fact]
    public async Task A_foreign_file_is_an_error_and_not_a_blob()
    {
        await File.WriteAllTextAsync(Path.Combine(_root, "blobs", "a~"), "short", Stop);
        await Should.ThrowAsync<IOException>(() => Store.OpenAsync("a", Stop));
    }

    // npm's S3 server removes folders under the feet of those that write into them, and ends.
    [Fact]
    public async Task Putting_deleting_and_listing_at_once_fail_nowhere_and_lose_nothing()
    {
        var tasks = Enumerable.Range(0, 6).Select(worker => Task.Run(async () =>
        {
            for (var round = 0; round < 25; round++)
            {
                await Store.PutAsync($"shared/deep/er/{worker}", "x"u8.ToArray(), "image/jpeg", Stop);
                await Store.PutAsync($"kept/{worker}/{round}", "x"u8.ToArray(), "image/jpeg", Stop);
                await Store.DeletePrefixAsync("shared/deep", Stop);
                await Keys("");
            }
        }, Stop));

        await Task.WhenAll(tasks);

        (await Keys("kept")).Count.ShouldBe(6 * 25);
        (await Keys("shared")).ShouldBeEmpty();
    }

    // Amazon promises this of S3 too; npm's server writes content and type one after the other, so it cannot be asked.
    [Fact]
    public async Task Readers_see_one_whole_blob_while_many_write_it()
    {
        await Store.PutAsync("hot", Filled(0), Type(0), Stop);
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            for (var round = 0; round < 15; round++)
                await Store.PutAsync("hot", Filled((byte)((writer * 15) + round)), Type((byte)((writer * 15) + round)), Stop);
        }, Stop)).ToList();
        var writing = Task.WhenAll(writers);
        var reads = 0;

        while (!writing.IsCompleted || reads < 20)
        {
            await using var blob = (await Store.OpenAsync("hot", Stop))!;
            var bytes = await blob.ReadAllAsync(Stop);
            bytes.ShouldBe(Filled(bytes[0]));
            blob.MediaType.ShouldBe(Type(bytes[0]));
            reads++;
        }

        await writing;
        (await Store.ListAsync("", Stop).Select(entry => entry.Key).ToListAsync(Stop)).ShouldBe(["hot"]);

        static byte[] Filled(byte value) => [.. Enumerable.Repeat(value, 20_000 + value)];
        static string Type(byte value) => $"image/x-{value}";
    }

    [Fact]
    public void The_directory_must_be_absolute_and_writable()
    {
        Should.Throw<ArgumentException>(() => new DirectoryBlobStore("blobs"));
        var file = Path.Combine(_root, "file");
        File.WriteAllText(file, "");
        Should.Throw<IOException>(() => new DirectoryBlobStore(Path.Combine(file, "below")));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private sealed class Clock : TimeProvider
    {
        internal DateTimeOffset Now { get; set; } = DateTimeOffset.UtcNow;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
