using System.Collections.Concurrent;
using System.Net;
using System.Text;
using HomeStage.Tool.Servers;

namespace HomeStage.Browser.Tests;

/// <summary>Somebody else's server on loopback, which answers everything alike and remembers what it was sent.</summary>
internal sealed class LocalListener : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string _answer;

    internal LocalListener(string answer = "")
    {
        _answer = answer;
        Url = new Uri($"http://127.0.0.1:{FreePorts.Next()}/");
        _listener.Prefixes.Add(Url.ToString());
        _listener.Start();
        _ = ListenAsync();
    }

    /// <summary>Where it listens.</summary>
    internal Uri Url { get; }

    /// <summary>The bodies that came.</summary>
    internal ConcurrentQueue<string> Received { get; } = [];

    public void Dispose() => _listener.Close();

    private async Task ListenAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                try
                {
                    using (var reader = new StreamReader(context.Request.InputStream))
                        Received.Enqueue(await reader.ReadToEndAsync());
                    context.Response.ContentType = "application/json";
                    context.Response.Close(Encoding.UTF8.GetBytes(_answer), willBlock: false);
                }
                catch (Exception aborted) when (aborted is HttpListenerException or IOException && _listener.IsListening)
                {
                    // Who asked has left, and may ask again.
                }
            }
        }
        catch (Exception closed) when (closed is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}
