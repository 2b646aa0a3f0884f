using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using HomeStage.Tool.Servers;

namespace HomeStage.Tool.Bench;

/// <summary>A connection to Redis that says one line at a time.</summary>
internal sealed class RedisLine : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private readonly TcpClient _client;
    private readonly StreamReader _replies;

    private RedisLine(TcpClient client) => (_client, _replies) = (client, new StreamReader(client.GetStream(), Encoding.ASCII));

    public static async Task<RedisLine> ConnectAsync(RedisFacts facts, CancellationToken cancel)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, facts.Port, cancel);
        var line = new RedisLine(client);
        await line.AskAsync($"AUTH {facts.Password}", cancel);
        return line;
    }

    /// <summary>Says a line of Redis's inline protocol; gives a simple or bulk reply.</summary>
    /// <exception cref="ToolException">Redis refused it, or is gone.</exception>
    public async Task<string> AskAsync(string command, CancellationToken cancel)
    {
        await _turn.WaitAsync(cancel);
        try
        {
            await _client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancel);
            var reply = await _replies.ReadLineAsync(cancel);
            if (reply is null or ['-', ..])
                throw new ToolException("Redis refused a command of the benchmark.");
            if (reply[0] != '$')
                return reply[1..];
            var bulk = new char[int.Parse(reply.AsSpan(1), CultureInfo.InvariantCulture) + 2];
            await _replies.ReadBlockAsync(bulk, cancel);
            return new string(bulk, 0, bulk.Length - 2);
        }
        finally
        {
            _turn.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _turn.Dispose();
        return ValueTask.CompletedTask;
    }
}
