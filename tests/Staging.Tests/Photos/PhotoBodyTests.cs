using System.IO.Pipelines;
using System.Security.Cryptography;
using HomeStage.Staging.Photos;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Photos;

/// <summary>What photos take of the memory before they are read, and how many are read at once.</summary>
public sealed class PhotoBodyTests
{
    private const long Mebibyte = 1024 * 1024;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(2_000_000)]
    [InlineData(null)]
    public async Task What_is_still_to_come_takes_no_memory(int? length)
    {
        var photo = RandomNumberGenerator.GetBytes(2_000_000);
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var context = new DefaultHttpContext { Request = { Body = pipe.Reader.AsStream(), ContentLength = length } };
        var before = GC.GetAllocatedBytesForCurrentThread();

        var receiving = PhotoBody.ReceiveAsync(context.Request, Stop);

        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1_000_000);
        receiving.IsCompleted.ShouldBeFalse();
        await pipe.Writer.WriteAsync(photo, Stop);
        await pipe.Writer.CompleteAsync();
        var body = await receiving;
        body.Sha256.ShouldBe(SHA256.HashData(photo));
        (await body.ReadAsync(Stop)).ShouldBe(photo);
    }

    [Theory]
    [InlineData(128, 2, 1)]
    [InlineData(768, 2, 1)]
    [InlineData(1536, 2, 2)]
    [InlineData(1536, 1, 1)]
    [InlineData(12288, 32, 22)]
    public void As_many_of_the_largest_photos_are_decoded_at_once_as_there_are_cores_and_memory_for(long mebibytes, int cores, int decodes) =>
        PhotoReader.DecodesAtOnce(mebibytes * Mebibyte, cores).ShouldBe(decodes);
}
