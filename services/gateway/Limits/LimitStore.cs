using HomeStage.Hosting.Redis;
using StackExchange.Redis;

namespace HomeStage.Gateway.Limits;

/// <summary>What is asked of one key.</summary>
/// <param name="Key">The key in Redis.</param>
/// <param name="Policy">The limit.</param>
/// <param name="Want">Units wanted.</param>
/// <param name="Least">Units without which it makes no sense; never more than <paramref name="Want"/>.</param>
/// <param name="Back">Units of an earlier lease that were not used.</param>
/// <param name="Until">The TAT after that lease, µs.</param>
internal readonly record struct LimitQuestion(string Key, LimitPolicy Policy, long Want, long Back, long Until, long Least = 1);

/// <summary>
/// The shared state of all limits, in Redis. Keys begin with <c>hs:rl:</c>, which nothing else does; each is one number, the TAT in µs of
/// Redis's own clock, and ends when it has no meaning any more.
/// </summary>
internal sealed class LimitStore(RedisConnection redis)
{
    /// <summary>Begins every key of a limit.</summary>
    internal const string Prefix = "hs:rl:";

    private const int Questions = 6;

    // All or nothing over the keys: a request that one limit refuses takes nothing of the others. Returned units count in any case.
    private const string Script = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local answers, changed, refused = {}, {}, false
        for i, key in ipairs(KEYS) do
          local a = (i - 1) * 6
          local interval, burst, want = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
          local back, untilTat, least = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6])
          local tat = tonumber(redis.call('GET', key) or 0)
          if back > 0 and now < untilTat then
            tat = tat - back * interval
            changed[i] = true
          end
          local from = math.max(tat, now)
          local available = math.floor((now + burst * interval - from) / interval)
          if available < least then
            refused = true
            answers[i] = { 0, tat, from + least * interval - burst * interval - now }
          else
            local granted = math.min(want, available)
            answers[i] = { granted, from + granted * interval, 0, tat }
          end
        end
        local flat = { now }
        for i, key in ipairs(KEYS) do
          local answer = answers[i]
          if refused and answer[1] > 0 then
            answer = { 0, answer[4], 0 }
          end
          if not refused or changed[i] then
            local life = math.ceil((answer[2] - now) / 1000)
            if life > 0 then
              redis.call('SET', key, string.format('%.0f', answer[2]), 'PX', life)
            else
              redis.call('DEL', key)
            end
          end
          flat[#flat + 1] = answer[1]
          flat[#flat + 1] = answer[2]
          flat[#flat + 1] = answer[3]
        end
        return flat
        """;

    /// <summary>Asks all keys in one call: either each gives the least that is wanted of it, or none gives any.</summary>
    /// <returns>Redis's time in µs, and an answer for each question.</returns>
    /// <exception cref="RedisUnavailableException">Redis did not answer within its time.</exception>
    internal async Task<(long Now, GcraAnswer[] Answers)> TakeAsync(IReadOnlyList<LimitQuestion> questions, CancellationToken cancellationToken)
    {
        var keys = new RedisKey[questions.Count];
        var values = new RedisValue[questions.Count * Questions];
        for (var i = 0; i < questions.Count; i++)
        {
            var question = questions[i];
            keys[i] = question.Key;
            values[i * Questions] = question.Policy.Interval;
            values[(i * Questions) + 1] = question.Policy.Burst;
            values[(i * Questions) + 2] = question.Want;
            values[(i * Questions) + 3] = question.Back;
            values[(i * Questions) + 4] = question.Until;
            values[(i * Questions) + 5] = question.Least;
        }

        var flat = (long[])(await redis.RunAsync(database => database.ScriptEvaluateAsync(Script, keys, values), cancellationToken))!;
        var answers = new GcraAnswer[questions.Count];
        for (var i = 0; i < answers.Length; i++)
            answers[i] = new(flat[1 + (i * 3)], flat[2 + (i * 3)], flat[3 + (i * 3)]);
        return (flat[0], answers);
    }
}
