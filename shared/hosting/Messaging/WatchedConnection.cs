using System.Net.Sockets;
using RabbitMQ.Client;

namespace HomeStage.Hosting.Messaging;

/// <summary>
/// A TCP connection that tells when it is over, because what stands above it may not get to say so: its stream ended or failed, somebody closed
/// it, or something has been waiting in it for a quarter of a minute, the end perhaps, that nobody reads.
/// </summary>
internal sealed class WatchedConnection : TcpClientAdapter
{
    private const int LooksInVain = 3;
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly Socket _socket;
    private readonly Action _over;
    private readonly Timer _timer;
    private long _reads;
    private long _readsSeen;
    private int _inVain;

    public WatchedConnection(AddressFamily family, Action over)
        : this(new Socket(family, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }, over)
    {
    }

    private WatchedConnection(Socket socket, Action over)
        : base(socket)
    {
        (_socket, _over) = (socket, over);
        _timer = new Timer(_ => Look(), null, LookEvery, LookEvery);
    }

    public override NetworkStream GetStream() => new Watched(this);

    public override void Close()
    {
        base.Close();
        Over();
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            Over();
    }

    private void Look()
    {
        try
        {
            var reads = Interlocked.Read(ref _reads);
            var waiting = _socket.Connected && _socket.Poll(TimeSpan.Zero, SelectMode.SelectRead);
            _inVain = waiting && reads == _readsSeen ? _inVain + 1 : 0;
            _readsSeen = reads;
            if (_inVain == LooksInVain)
                Over();
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            Over();
        }
    }

    private void Over()
    {
        _timer.Dispose();
        _over();
    }

    private sealed class Watched(WatchedConnection connection) : NetworkStream(connection._socket)
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = 0;
            try
            {
                read = await base.ReadAsync(buffer, cancellationToken);
                Interlocked.Increment(ref connection._reads);
                return read;
            }
            finally
            {
                // Reading nothing into something is the end of the stream.
                if (read == 0 && !buffer.IsEmpty)
                    connection.Over();
            }
        }
    }
}
