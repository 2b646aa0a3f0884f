using System.Security.Cryptography;
using Shouldly;
using Xunit;

namespace HomeStage.Storage.Tests;

/// <summary>What every blob store promises. A new store derives from this and hands itself over.</summary>
public abstract class BlobStoreContract
{
    private const string Jpeg = "image/jpeg";

    protected abstract IBlobStore Store { get; }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_put_is_read_back_with_its_type_and_length()
    {
        var content = RandomNumberGenerator.GetBytes(300_000);

        await Store.PutAsync("job-1/1/clean-0", content, Jpeg, Stop);

        await using var blob = await Store.OpenAsync("job-1/1/clean-0", Stop);
        blob.ShouldNotBeNull();
        (blob.Length, blob.MediaType).ShouldBe((content.Length, Jpeg));
        (await blob.ReadAllAsync(Stop)).ShouldBe(content);
        (await blob.Content.ReadAsync(new byte[10], Stop)).ShouldBe(0);
    }

    [Fact]
    public async Task An_empty_blob_is_a_blob()
    {
        await Store.PutAsync("empty", ReadOnlyMemory<byte>.Empty, "application/json", Stop);
        (await Store.ReadAsync("empty", Stop)).ShouldBe([]);
        (await Store.ExistsAsync("empty", Stop)).ShouldBeTrue();
    }

    [Fact]
    public async Task Content_can_be_read_from_any_place()
    {
        await Store.PutAsync("a", "0123456789"u8.ToArray(), Jpeg, Stop);
        await using var blob = (await Store.OpenAsync("a", Stop))!;

        blob.Content.Seek(-3, SeekOrigin.End);
        using var rest = new MemoryStream();
        await blob.Content.CopyToAsync(rest, Stop);

        rest.ToArray().ShouldBe("789"u8.ToArray());
        blob.Content.Length.ShouldBe(10);
    }

    [Fact]
    public async Task A_large_blob_can_be_read_from_any_place_in_pieces_of_any_size()
    {
        var content = RandomNumberGenerator.GetBytes((3 * S3BlobStore.PieceSize) + 7);
        await Store.PutAsync("large", content, Jpeg, Stop);
        await using var blob = (await Store.OpenAsync("large", Stop))!;
        var stream = blob.Content;

        (await ReadAsync(10, 100)).ShouldBe(content[10..110]);
        (await ReadAsync(S3BlobStore.PieceSize - 50, 100)).ShouldBe(content[(S3BlobStore.PieceSize - 50)..(S3BlobStore.PieceSize + 50)]);
        (await ReadAsync(content.Length - 20, 20)).ShouldBe(content[^20..]);
        (await ReadAsync(5, 2 * S3BlobStore.PieceSize)).ShouldBe(content[5..(5 + (2 * S3BlobStore.PieceSize))]);
        stream.Position = content.Length + 100;
        (await stream.ReadAsync(new byte[10], Stop)).ShouldBe(0);
        stream.Position = 0;
        using var whole = new MemoryStream();
        await stream.CopyToAsync(whole, 1000, Stop);
        whole.ToArray().ShouldBe(content);

        async Task<byte[]> ReadAsync(int at, int count)
        {
            var bytes = new byte[count];
            stream.Seek(at, SeekOrigin.Begin);
            await stream.ReadExactlyAsync(bytes, Stop);
            stream.Position.ShouldBe(at + count);
            return bytes;
        }
    }

    [Fact]
    public async Task What_was_never_put_is_absent()
    {
        (await Store.OpenAsync("no/such", Stop)).ShouldBeNull();
        (await Store.ReadAsync("no/such", Stop)).ShouldBeNull();
        (await Store.ExistsAsync("no/such", Stop)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_second_put_replaces_content_and_type()
    {
        await Store.PutAsync("a/b", "first and longer"u8.ToArray(), Jpeg, Stop);
        await Store.PutAsync("a/b", "second"u8.ToArray(), "image/png", Stop);

        await using var blob = (await Store.OpenAsync("a/b", Stop))!;
        blob.MediaType.ShouldBe("image/png");
        (await blob.ReadAllAsync(Stop)).ShouldBe("second"u8.ToArray());
        (await Keys("")).ShouldBe(["a/b"]);
    }

    [Fact]
    public async Task Deleting_is_repeatable()
    {
        await Store.PutAsync("a/b/c", "x"u8.ToArray(), Jpeg, Stop);
        await Store.DeleteAsync("a/b/c", Stop);
        await Store.DeleteAsync("a/b/c", Stop);
        await Store.DeleteAsync("never/was", Stop);
        (await Store.ExistsAsync("a/b/c", Stop)).ShouldBeFalse();
        (await Keys("")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_opened_blob_outlives_its_deletion_and_replacement()
    {
        await Store.PutAsync("a", "old"u8.ToArray(), Jpeg, Stop);
        await using var blob = (await Store.OpenAsync("a", Stop))!;
        await Store.PutAsync("a", "new content"u8.ToArray(), Jpeg, Stop);
        await Store.DeleteAsync("a", Stop);
        (await blob.ReadAllAsync(Stop)).ShouldBe("old"u8.ToArray());
    }

    [Fact]
    public async Task A_key_may_be_the_prefix_of_another()
    {
        await Store.PutAsync("a/b", "leaf"u8.ToArray(), Jpeg, Stop);
        await Store.PutAsync("a/b/c", "below"u8.ToArray(), Jpeg, Stop);
        await Store.PutAsync("a", "above"u8.ToArray(), Jpeg, Stop);

        (await Store.ReadAsync("a/b", Stop)).ShouldBe("leaf"u8.ToArray());
        (await Store.ReadAsync("a/b/c", Stop)).ShouldBe("below"u8.ToArray());
        (await Keys("a")).ShouldBe(["a/b", "a/b/c"]);
    }

    [Fact]
    public async Task Listing_takes_whole_segments_and_tells_length_and_age()
    {
        var before = DateTimeOffset.UtcNow.AddSeconds(-5);
        foreach (var key in (string[])["a/b/1", "a/b/2", "a/bc/3", "d"])
            await Store.PutAsync(key, new byte[key.Length], Jpeg, Stop);

        (await Keys("a/b")).ShouldBe(["a/b/1", "a/b/2"]);
        (await Keys("a")).ShouldBe(["a/b/1", "a/b/2", "a/bc/3"]);
        (await Keys("")).ShouldBe(["a/b/1", "a/b/2", "a/bc/3", "d"]);
        (await Keys("nothing")).ShouldBeEmpty();
        await foreach (var entry in Store.ListAsync("", Stop))
        {
            entry.Length.ShouldBe(entry.Key.Length);
            entry.StoredAt.ShouldBeInRange(before, DateTimeOffset.UtcNow.AddSeconds(5));
            entry.StoredAt.Offset.ShouldBe(TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task Deleting_a_prefix_takes_everything_below_and_nothing_else()
    {
        foreach (var key in (string[])["job/1/a", "job/1/b/c", "job/10/a", "job/1", "other"])
            await Store.PutAsync(key, "x"u8.ToArray(), Jpeg, Stop);

        await Store.DeletePrefixAsync("job/1", Stop);
        await Store.DeletePrefixAsync("job/1", Stop);

        (await Keys("")).ShouldBe(["job/1", "job/10/a", "other"]);
        await Should.ThrowAsync<ArgumentException>(() => Store.DeletePrefixAsync("", Stop));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("a/../b")]
    [InlineData("../a")]
    [InlineData("a/..")]
    [InlineData("./a")]
    [InlineData("a/./b")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a\\b")]
    [InlineData("A")]
    [InlineData("a b")]
    [InlineData("a\0b")]
    [InlineData("a\n")]
    [InlineData("é")]
    [InlineData("%2e%2e/a")]
    [InlineData(".hidden")]
    [InlineData("a/.hidden")]
    [InlineData("a~")]
    [InlineData("c:a")]
    public async Task What_is_no_key_is_refused_everywhere(string key)
    {
        BlobKey.IsValid(key).ShouldBeFalse();
        await Should.ThrowAsync<ArgumentException>(() => Store.PutAsync(key, "x"u8.ToArray(), Jpeg, Stop));
        await Should.ThrowAsync<ArgumentException>(() => Store.OpenAsync(key, Stop));
        await Should.ThrowAsync<ArgumentException>(() => Store.ExistsAsync(key, Stop));
        await Should.ThrowAsync<ArgumentException>(() => Store.DeleteAsync(key, Stop));
        await Should.ThrowAsync<ArgumentException>(() => Store.DeletePrefixAsync(key, Stop));
        if (key.Length > 0)
            await Should.ThrowAsync<ArgumentException>(() => Keys(key));
        (await Keys("")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Keys_have_a_longest_length()
    {
        var longest = string.Join('/', Enumerable.Repeat(new string('a', 127), 4)) + "a";
        longest.Length.ShouldBe(512);
        await Store.PutAsync(longest, "x"u8.ToArray(), Jpeg, Stop);
        (await Keys("")).ShouldBe([longest]);
        BlobKey.IsValid(longest + "a").ShouldBeFalse();
        BlobKey.IsValid(new string('a', 201)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("jpeg")]
    [InlineData("image/jpeg\n")]
    [InlineData("image/ü")]
    public async Task What_is_no_media_type_is_refused(string mediaType)
    {
        await Should.ThrowAsync<ArgumentException>(() => Store.PutAsync("a", "x"u8.ToArray(), mediaType, Stop));
        (await Store.ExistsAsync("a", Stop)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_put_whose_source_fails_leaves_the_old_blob()
    {
        await Store.PutAsync("a", "old"u8.ToArray(), Jpeg, Stop);

        await Should.ThrowAsync<IOException>(() => Store.PutAsync("a", new FailingStream(), Jpeg, Stop));
        await Should.ThrowAsync<IOException>(() => Store.PutAsync("b", new FailingStream(), Jpeg, Stop));

        (await Store.ReadAsync("a", Stop)).ShouldBe("old"u8.ToArray());
        (await Keys("")).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_cancelled_put_stores_nothing()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => Store.PutAsync("a", new byte[100], Jpeg, cancelled.Token));
        (await Store.ExistsAsync("a", Stop)).ShouldBeFalse();
    }

    protected async Task<List<string>> Keys(string prefix)
    {
        var keys = new List<string>();
        await foreach (var entry in Store.ListAsync(prefix, Stop))
            keys.Add(entry.Key);
        keys.Sort(StringComparer.Ordinal);
        return keys;
    }

    private sealed class FailingStream() : MemoryStream(new byte[5000])
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await base.ReadAsync(buffer, cancellationToken) is > 0 and var read ? read : throw new IOException("The sender went away.");

        public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
        {
            await destination.WriteAsync(new byte[5000], cancellationToken);
            throw new IOException("The sender went away.");
        }
    }
}
