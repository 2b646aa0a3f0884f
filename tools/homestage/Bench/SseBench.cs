using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Tool.Up;
using Npgsql;
using Spectre.Console;

namespace HomeStage.Tool.Bench;

/// <summary>
/// Many open account streams, through the gateway as clients have them. Events are stored and announced as another replica would, at a
/// fixed rate whatever becomes of the earlier ones, and timed until each stream of the account has read them.
/// </summary>
internal static class SseBench
{
    private const int Sessions = 500;
    private const int StreamsEach = 10;
    private const int Opening = 64;
    private const double Rate = 20;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Arrival = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<Figure>> RunAsync(Stack stack, TimeSpan length, IAnsiConsole console, CancellationToken cancel)
    {
        RunningProcess[] hops = [.. stack.Processes.Where(process => process.Name is "gateway" or "staging-api")];
        var visitors = await ArriveAsync(stack, cancel);
        await using var database = NpgsqlDataSource.Create(stack.Servers.Facts.Postgres!.AdminConnection("staging"));
        await using var redis = await RedisLine.ConnectAsync(stack.Servers.Facts.Redis!, cancel);

        using var closing = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var before = hops.Sum(MemoryOf);
        console.WriteLine($"Opening {Sessions * StreamsEach:N0} streams…");
        var taken = new ConcurrentBag<TimeSpan>();
        var opened = 0;
        var streams = new ConcurrentBag<Task>();
        await Parallel.ForEachAsync(
            visitors.SelectMany(visitor => Enumerable.Repeat(visitor, StreamsEach)), new ParallelOptions { MaxDegreeOfParallelism = Opening, CancellationToken = cancel },
            async (visitor, stop) =>
            {
                var reader = await OpenAsync(stack, visitor.Cookie, stop);
                Interlocked.Increment(ref opened);
                streams.Add(ReadAsync(reader, taken, closing.Token));
            });
        var after = hops.Sum(MemoryOf);

        var number = 0;
        async Task<int> MissedAsync(TimeSpan during)
        {
            var first = number;
            taken.Clear();
            var load = await Load.OpenAsync(Rate, TimeSpan.Zero, during, async stop =>
            {
                var account = visitors[Interlocked.Increment(ref number) % visitors.Count].Account;
                await PublishAsync(database, redis, account, stop);
            }, cancel);
            load.RequireAll("PostgreSQL");
            var deliveries = (number - first) * StreamsEach;
            for (var waited = Stopwatch.StartNew(); taken.Count < deliveries && waited.Elapsed < Arrival;)
                await Task.Delay(50, cancel);
            return deliveries - taken.Count;
        }

        console.WriteLine("Warming up…");
        var missed = await MissedAsync(WarmUp);
        console.WriteLine($"Publishing {Rate} events a second, each to {StreamsEach} streams…");
        missed += await MissedAsync(length);
        await closing.CancelAsync();
        await Task.WhenAll(streams);

        var sorted = taken.Order().ToArray();
        return
        [
            new("streams open", opened, "", AtLeast: Sessions * StreamsEach),
            new("memory of gateway and staging-api for a stream", (after - before) / 1000.0 / opened, " kB", AtMost: 60),
            new("publish to client, p50", At(0.50), " ms"),
            new("publish to client, p99", At(0.99), " ms", AtMost: 100),
            new("deliveries that did not arrive", missed, "", AtMost: 0),
        ];

        double At(double share) => sorted.Length == 0 ? double.NaN : sorted[(int)Math.Min(sorted.Length - 1, Math.Ceiling(sorted.Length * share))].TotalMilliseconds;
    }

    private static async Task<List<(Guid Account, string Cookie)>> ArriveAsync(Stack stack, CancellationToken cancel)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = new Uri(stack.Deployment.PublicUrl) };
        var visitors = new List<(Guid, string)>();
        for (var number = 0; number < Sessions; number++)
        {
            using var answer = await client.GetAsync(new Uri("/api/v1/session", UriKind.Relative), cancel);
            answer.EnsureSuccessStatusCode();
            var session = await answer.Content.ReadFromJsonAsync<JsonObject>(cancel);
            visitors.Add(((Guid)session!["accountId"]!, answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]));
        }

        return visitors;
    }

    private static async Task<StreamReader> OpenAsync(Stack stack, string cookie, CancellationToken cancel)
    {
        var url = new Uri(stack.Deployment.PublicUrl);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, url.Port, cancel);
        var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"GET /api/v1/events HTTP/1.1\r\nHost: {url.Authority}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n"), cancel);
        var reader = new StreamReader(stream, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, bufferSize: 512);
        var status = await reader.ReadLineAsync(cancel);
        if (status is null || !status.StartsWith("HTTP/1.1 200", StringComparison.Ordinal))
            throw new ToolException($"A stream was refused: {status}");
        while (await reader.ReadLineAsync(cancel) is { } line && !line.StartsWith("data: ", StringComparison.Ordinal))
        {
            // Up to the snapshot.
        }

        return reader;
    }

    private static async Task ReadAsync(StreamReader reader, ConcurrentBag<TimeSpan> taken, CancellationToken cancel)
    {
        const string start = "data: {\"since\":";
        try
        {
            using (reader)
            {
                while (await reader.ReadLineAsync(cancel) is { } line)
                {
                    if (line.StartsWith(start, StringComparison.Ordinal) && long.TryParse(line.AsSpan(start.Length).TrimEnd('}'), CultureInfo.InvariantCulture, out var since))
                        taken.Add(Stopwatch.GetElapsedTime(since));
                }
            }
        }
        catch (Exception closed) when (closed is OperationCanceledException or IOException)
        {
            // What a stream did not get is counted.
        }
    }

    private static async Task PublishAsync(NpgsqlDataSource database, RedisLine redis, Guid account, CancellationToken cancel)
    {
        await using var command = database.CreateCommand("""
            with counter as (
                insert into account_streams (account_id, last_event) values ($1, 1)
                on conflict (account_id) do update set last_event = account_streams.last_event + 1 returning last_event)
            insert into events (account_id, account_n, type, body) select $1, last_event, 'credits', $2::json from counter
            """);
        command.Parameters.AddWithValue(account);
        command.Parameters.AddWithValue($$"""{"since":{{Stopwatch.GetTimestamp()}}}""");
        await command.ExecuteNonQueryAsync(cancel);
        await redis.AskAsync($"PUBLISH homestage:staging:events \"{account} \"", cancel);
    }

    /// <summary>Resident memory in bytes.</summary>
    private static long MemoryOf(RunningProcess process)
    {
        using var now = Process.GetProcessById(process.Id);
        return now.WorkingSet64;
    }
}
