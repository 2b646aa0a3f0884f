using System.IO.Pipelines;
using System.Text;
using HomeStage.Gateway.Proxy;

namespace HomeStage.Gateway.Tests.Proxy;

public sealed class EndingStreamTests : IDisposable
{
    private readonly Pipe _upstream = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly byte[] _buffer = new byte[1024];
    private readonly EndingStream _stream;

    public EndingStreamTests() => _stream = new EndingStream(_upstream.Reader.AsStream(), _stopping.Token);

    public void Dispose()
    {
        _stream.Dispose();
        _stopping.Dispose();
    }

    [Fact]
    public async Task What_the_upstream_sends_passes_unchanged_to_its_end()
    {
        await SendAsync("data: 1\n\n");
        await _upstream.Writer.CompleteAsync();

        (await ReadAsync()).ShouldBe("data: 1\n\n");
        (await ReadAsync()).ShouldBe("");
    }

    [Fact]
    public async Task It_ends_between_events_with_a_time_to_return_and_then_for_good()
    {
        await SendAsync("data: 1\n\n");
        await ReadAsync();

        var waiting = ReadAsync();
        await _stopping.CancelAsync();

        (await waiting).ShouldMatch(@"^retry: \d+\n\n$");
        (await ReadAsync()).ShouldBe("");
    }

    [Theory]
    [InlineData("data: half", " an event\n\n")]
    [InlineData("data: half\n", "\n")]
    [InlineData("data: half\n", "id: 7\n\n")]
    public async Task An_event_that_has_begun_is_finished_first(string half, string rest)
    {
        await SendAsync(half);
        await ReadAsync();
        await _stopping.CancelAsync();
        var waiting = ReadAsync();
        await SendAsync(rest);

        (await waiting).ShouldBe(rest);
        (await ReadAsync()).ShouldStartWith("retry: ");
    }

    private async Task SendAsync(string text) => await _upstream.Writer.WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);

    private async Task<string> ReadAsync() => Encoding.ASCII.GetString(_buffer, 0, await _stream.ReadAsync(_buffer, TestContext.Current.CancellationToken));
}
