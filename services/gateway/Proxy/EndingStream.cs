using System.Text;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// An upstream's event stream that ends in order when the gateway stops: after a whole event, with a <c>retry:</c> that spreads the clients'
/// return over some seconds. They reconnect to another gateway and resume.
/// </summary>
/// <param name="events">What the upstream sends.</param>
/// <param name="stopping">The gateway stops.</param>
internal sealed class EndingStream(Stream events, CancellationToken stopping) : Stream
{
    private const int ShortestRetry = 500;
    private const int LongestRetry = 3000;

    private bool _betweenEvents = true;
    private bool _endsLine;
    private bool _ended;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended)
            return 0;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _betweenEvents ? stopping : default);
        try
        {
            var read = await events.ReadAsync(buffer, either.Token);
            Look(buffer.Span[..read]);
            return read;
        }
        catch (OperationCanceledException) when (_betweenEvents && stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // Who reads nothing only waits for there to be something.
            if (buffer.IsEmpty)
                return 0;
            _ended = true;
            return Encoding.ASCII.GetBytes($"retry: {Random.Shared.Next(ShortestRetry, LongestRetry)}\n\n", buffer.Span);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            events.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>An event ends with an empty line, which may come in two pieces.</summary>
    private void Look(ReadOnlySpan<byte> piece)
    {
        if (piece.IsEmpty)
            return;
        var endedLine = _endsLine;
        _endsLine = piece[^1] == (byte)'\n';
        _betweenEvents = _endsLine && (piece.Length > 1 ? piece[^2] == (byte)'\n' : endedLine);
    }
}
