using System.IO.Pipelines;
using HomeStage.Staging.Photos;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Staging.Tests.Photos;

/// <summary>Photos that are being sent take only so much of the disk together.</summary>
public sealed class UploadRoomTests(TestServers servers)
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/api/v1/photos")]
    [InlineData("/api/v1/stagings")]
    public async Task Who_finds_no_room_is_told_so_at_once_and_what_takes_none_goes_on(string path)
    {
        await using var app = await StagingApp.StartAsync(servers, setting: ("UPLOADS_MAX_MB", "40"));
        var visitor = app.Visitor();
        var photo = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "empty-room.jpg"), Stop);
        var kept = Guid.Parse((await visitor.UploadAsync(photo)).Text("id"));
        // Does not say how long it is, and takes its time.
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        await pipe.Writer.WriteAsync(photo.AsMemory(0, photo.Length / 2), Stop);
        using var slow = new StreamContent(pipe.Reader.AsStream()) { Headers = { ContentType = new("image/jpeg") } };
        var first = visitor.SendAsync(HttpMethod.Post, "/api/v1/photos", slow);

        await Eventually.Async(() => app.Services.GetRequiredService<UploadRoom>().BytesLeft == 0, "the first one has all the room");
        var refused = await SendAsync();

        (refused.Status, refused.Code, (bool)refused.Body!["billed"]!).ShouldBe((503, "unavailable", false));
        refused.Response.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(5));
        (await visitor.SubmitJsonAsync(Visitor.Fields(("photoId", kept)))).Status.ShouldBe(202);
        await pipe.Writer.WriteAsync(photo.AsMemory(photo.Length / 2), Stop);
        await pipe.Writer.CompleteAsync();
        (await first).Status.ShouldBe(201);
        (await SendAsync()).Status.ShouldBeOneOf(201, 202);

        Task<Answer> SendAsync() => path.EndsWith("photos", StringComparison.Ordinal) ? visitor.UploadAsync(photo) : visitor.SubmitFormAsync(photo: photo);
    }
}
