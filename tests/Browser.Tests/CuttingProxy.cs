using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace HomeStage.Browser.Tests;

/// <summary>Passes connections on to a server, and cuts all of them when told to.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, TcpClient> _open = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly int _server;
    private readonly Task _accepting;

    public CuttingProxy(int server)
    {
        _server = server;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Ends every connection in the middle of whatever it is doing.</summary>
    public void Cut()
    {
        foreach (var client in _open.Keys)
        {
            if (!_open.TryRemove(client, out var server))
                continue;
            // A reset: nothing that is on its way arrives.
            client.LingerState = new LingerOption(enable: true, seconds: 0);
            client.Dispose();
            server.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _accepting;
        Cut();
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_closing.Token));
        }
        catch (Exception closed) when (closed is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The proxy is closing.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var server = new TcpClient();
        // Who takes them off closes them.
        _open[client] = server;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _server, _closing.Token);
            (client.NoDelay, server.NoDelay) = (true, true);
            await Task.WhenAny(
                client.GetStream().CopyToAsync(server.GetStream(), _closing.Token),
                server.GetStream().CopyToAsync(client.GetStream(), _closing.Token)).Unwrap();
        }
        catch (Exception cut) when (cut is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One end is gone; the other goes with it.
        }
        finally
        {
            if (_open.TryRemove(client, out _))
                client.Dispose();
        }
    }
}
