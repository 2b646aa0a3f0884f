using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace HomeStage.Testing;

/// <summary>
/// Stands between a service's process and a server on loopback and sees all that they say to each other, so that the process can be killed
/// at a given point of it.
/// </summary>
public abstract class Tap : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly int _server;
    private readonly Task _accepting;

    private protected Tap(int server)
    {
        _server = server;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where the tap listens on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _closing.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Hands on what the two say, until one of them is gone.</summary>
    private protected abstract Task ConverseAsync(NetworkStream client, NetworkStream server, CancellationToken cancellationToken);

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_closing.Token)));
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The tap is closing.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        await Task.Yield();
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        using var server = new TcpClient();
        using (client)
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _server, closing.Token);
                (client.NoDelay, server.NoDelay) = (true, true);
                await ConverseAsync(client.GetStream(), server.GetStream(), closing.Token);
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One end is gone; the other must go with it.
            }

            await closing.CancelAsync();
        }
    }
}
