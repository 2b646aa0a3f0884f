using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using HomeStage.Hosting.Redis;
using StackExchange.Redis;

namespace HomeStage.Worker.Layout;

/// <summary>What may be done about a photo's layout.</summary>
internal enum LayoutState
{
    /// <summary>Ask: the most that it can cost is set aside.</summary>
    Ask,

    /// <summary>It was asked before.</summary>
    Known,

    /// <summary>Another worker is asking.</summary>
    Busy,

    /// <summary>The model refused or failed a moment ago.</summary>
    Paused,

    /// <summary>The day's budget is spent.</summary>
    OutOfBudget,
}

/// <summary>
/// What all workers know together of layouts, in Redis: answers by photo, what was spent today, and whether to leave the model alone. Without
/// Redis nothing could be counted, so nothing is asked.
/// </summary>
/// <remarks>
/// <c>homestage:layout:zones:{version}:{model}:{sha256 of the photo}</c> is an answer as JSON; <c>homestage:layout:asking:…</c> is there while a worker
/// asks; <c>homestage:layout:spent:{day}</c> counts millionths of a dollar; <c>homestage:layout:pause</c> is there while nobody asks.
/// </remarks>
internal sealed class LayoutNotes(RedisConnection redis, LayoutSettings settings, TimeProvider time)
{
    /// <summary>The notes on one photo, today's.</summary>
    public LayoutNote On(byte[] photo)
    {
        var subject = string.Create(CultureInfo.InvariantCulture, $"{LayoutQuestion.Version}:{settings.Model}:{Convert.ToHexStringLower(SHA256.HashData(photo))}");
        var day = time.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return new(redis, settings, [$"homestage:layout:zones:{subject}", $"homestage:layout:asking:{subject}", $"homestage:layout:spent:{day}", "homestage:layout:pause"]);
    }
}

/// <summary>What is noted of one photo.</summary>
internal sealed class LayoutNote(RedisConnection redis, LayoutSettings settings, RedisKey[] keys)
{
    private const string Look = """
        local known = redis.call('get', KEYS[1])
        if known then return {'Known', known} end
        if redis.call('exists', KEYS[2]) == 1 then return {'Busy'} end
        if redis.call('exists', KEYS[4]) == 1 then return {'Paused'} end
        if tonumber(redis.call('get', KEYS[3]) or '0') + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return {'OutOfBudget'} end
        redis.call('set', KEYS[2], '1', 'px', ARGV[3])
        redis.call('incrby', KEYS[3], ARGV[1])
        redis.call('pexpire', KEYS[3], ARGV[4])
        return {'Ask'}
        """;

    private const string Write = """
        if ARGV[1] ~= '' then redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2]) end
        redis.call('del', KEYS[2])
        if redis.call('exists', KEYS[3]) == 1 then redis.call('incrby', KEYS[3], ARGV[3]) end
        if ARGV[4] ~= '0' then redis.call('set', KEYS[4], '1', 'px', ARGV[4]) end
        return 1
        """;

    private static readonly TimeSpan SpentKept = TimeSpan.FromDays(2);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    /// <summary>Says what may be done, and sets aside what asking can cost.</summary>
    /// <exception cref="RedisUnavailableException">Nothing can be counted.</exception>
    public async Task<(LayoutState State, IReadOnlyList<Zone> Zones)> LookAsync(CancellationToken cancellationToken)
    {
        var answer = (RedisResult[]?)await redis.RunAsync(
            database => database.ScriptEvaluateAsync(
                Look, keys, [settings.DearestQuestion, settings.DailyBudget, Milliseconds(settings.Timeout + Margin), Milliseconds(SpentKept)]),
            cancellationToken);
        var state = Enum.Parse<LayoutState>((string?)answer![0] ?? "");
        return (state, state == LayoutState.Known ? LayoutAnswer.ReadZones((string?)answer[1] ?? "") ?? [] : []);
    }

    /// <summary>Ends an asking.</summary>
    /// <param name="zones">What is known from now on; null when nothing is.</param>
    /// <param name="kept">For how long.</param>
    /// <param name="cost">What it cost in millionths of a dollar; null where that is not known, and then counts what was set aside.</param>
    /// <param name="pause">For how long nobody asks again about any photo; null for not at all.</param>
    /// <exception cref="RedisUnavailableException">What was set aside stays counted, and the photo may be asked about again.</exception>
    public Task WriteAsync(IReadOnlyList<Zone>? zones, TimeSpan kept, long? cost, TimeSpan? pause) => redis.RunAsync(
        database => database.ScriptEvaluateAsync(
            Write, keys,
            [zones is null ? "" : Text(zones), Milliseconds(kept), (cost ?? settings.DearestQuestion) - settings.DearestQuestion, Milliseconds(pause ?? TimeSpan.Zero)]),
        CancellationToken.None);

    // In the form of the schema, so that it is read as strictly as an answer.
    private static string Text(IReadOnlyList<Zone> zones) => JsonSerializer.Serialize(new
    {
        zones = zones.Select(zone => new { kind = LayoutQuestion.NameOf(zone.Kind), x = zone.X, y = zone.Y, width = zone.Width, height = zone.Height }),
    });

    private static long Milliseconds(TimeSpan time) => (long)time.TotalMilliseconds;
}
