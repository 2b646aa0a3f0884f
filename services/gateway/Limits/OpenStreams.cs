using System.Collections.Concurrent;
using HomeStage.Gateway.Requests;
using HomeStage.Hosting.Redis;
using StackExchange.Redis;

namespace HomeStage.Gateway.Limits;

/// <summary>
/// Counts open event streams by caller and by address over all replicas: sorted sets in Redis whose members expire unless their gateway
/// renews them, so that the streams of a gateway that died stop counting by themselves. Without Redis each replica allows its share.
/// </summary>
internal sealed class OpenStreams(RedisConnection redis, bool enabled, int replicas, TimeProvider time) : BackgroundService
{
    /// <summary>Streams that one caller, and one address, may have open; a /48 eight times as many.</summary>
    internal const int Limit = 10;

    private const int HouseholdsInNetwork = 8;
    private const int RenewedAtOnce = 200;
    private const string Prefix = "hs:rl:open:";

    // KEYS: the subjects. ARGV: the stream, its life in ms, the limit of each subject.
    private const string Open = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        for i, key in ipairs(KEYS) do
          redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
          if redis.call('ZCARD', key) >= tonumber(ARGV[2 + i]) then
            return 0
          end
        end
        for _, key in ipairs(KEYS) do
          redis.call('ZADD', key, now + ARGV[2], ARGV[1])
          redis.call('PEXPIRE', key, ARGV[2])
        end
        return 1
        """;

    // KEYS: a subject for each stream of ARGV, whose first element is the life in ms. Adds what a Redis that was restarted has forgotten.
    private const string Renew = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        for i, key in ipairs(KEYS) do
          redis.call('ZADD', key, now + ARGV[1], ARGV[1 + i])
          redis.call('PEXPIRE', key, ARGV[1])
        end
        return 1
        """;

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RenewalPeriod = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<OpenStream, byte> _open = new();
    private readonly Dictionary<string, int> _here = new(StringComparer.Ordinal);

    /// <summary>Counts a stream that a request opens; null if one of its subjects has as many as it may. Dispose it when the stream ends.</summary>
    internal async Task<OpenStream?> TryOpenAsync(HttpContext context, LimitedCaller? caller)
    {
        var address = ClientAddress.Of(context);
        List<(string Subject, int Limit)> subjects = [(address.Subject, Limit)];
        if (caller is not null)
            subjects.Add((caller.Subject, Limit));
        if (address.Network is { } network)
            subjects.Add((network, Limit * HouseholdsInNetwork));

        var stream = new OpenStream(this, Guid.NewGuid().ToString("N"), subjects.ConvertAll(subject => subject.Subject));
        if (!enabled)
            return stream;
        if (!await MayOpenAsync(stream, subjects, context.RequestAborted))
            return null;
        lock (_here)
        {
            foreach (var subject in stream.Subjects)
                _here[subject] = _here.GetValueOrDefault(subject) + 1;
        }

        _open[stream] = 0;
        return stream;
    }

    /// <summary>Renews what is open, for as long as the gateway lives.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // The first request is not to wait for the connection.
        await RunAsync("return 1", [], []);
        using var timer = new PeriodicTimer(RenewalPeriod, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var some in _open.Keys.SelectMany(stream => stream.Subjects.Select(subject => (subject, stream.Id))).Chunk(RenewedAtOnce))
                await RunAsync(Renew, [.. some.Select(entry => (RedisKey)(Prefix + entry.subject))], [(long)Life.TotalMilliseconds, .. some.Select(entry => (RedisValue)entry.Id)]);
        }
    }

    private async Task<bool> MayOpenAsync(OpenStream stream, List<(string Subject, int Limit)> subjects, CancellationToken cancellationToken)
    {
        RedisKey[] keys = [.. subjects.Select(subject => (RedisKey)(Prefix + subject.Subject))];
        RedisValue[] values = [stream.Id, (long)Life.TotalMilliseconds, .. subjects.Select(subject => (RedisValue)subject.Limit)];
        try
        {
            return (long)await redis.RunAsync(database => database.ScriptEvaluateAsync(Open, keys, values), cancellationToken) == 1;
        }
        catch (RedisUnavailableException)
        {
            lock (_here)
                return subjects.TrueForAll(subject => _here.GetValueOrDefault(subject.Subject) < Math.Max(1, subject.Limit / replicas));
        }
    }

    private async Task CloseAsync(OpenStream stream)
    {
        if (!_open.TryRemove(stream, out _))
            return;
        lock (_here)
        {
            foreach (var subject in stream.Subjects)
            {
                if (--_here[subject] == 0)
                    _here.Remove(subject);
            }
        }

        const string close = "for i, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[1]) end return 1";
        await RunAsync(close, [.. stream.Subjects.Select(subject => (RedisKey)(Prefix + subject))], [stream.Id]);
    }

    private async Task RunAsync(string script, RedisKey[] keys, RedisValue[] values)
    {
        try
        {
            await redis.RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), CancellationToken.None);
        }
        catch (RedisUnavailableException)
        {
            // What was not renewed expires, and what was not removed too.
        }
    }

    /// <summary>A stream that counts until it is disposed.</summary>
    internal sealed class OpenStream(OpenStreams all, string id, IReadOnlyList<string> subjects) : IAsyncDisposable
    {
        internal string Id => id;

        internal IReadOnlyList<string> Subjects => subjects;

        public async ValueTask DisposeAsync() => await all.CloseAsync(this);
    }
}
