using HomeStage.Hosting.Redis;

namespace HomeStage.Worker.Provider;

/// <summary>
/// Keeps workers from spending their jobs' attempts on a provider that is down. Failures in a row, of all workers together, open it: all
/// pause. After the pause one call in <see cref="ProbeEvery"/> is let through until one succeeds, which closes it. Who was let through and
/// made no call gives its place back. Without Redis each worker counts for itself.
/// </summary>
/// <remarks>
/// <c>homestage:provider:failures</c> counts failures since the last success and forgets after ten quiet minutes;
/// <c>homestage:provider:probe</c> is there while no other probe may begin; its value says whose it is.
/// </remarks>
internal sealed class ProviderBreaker(RedisConnection redis, ProviderPause pause, TimeProvider time)
{
    internal const string FailuresKey = "homestage:provider:failures";
    internal const string ProbeKey = "homestage:provider:probe";

    /// <summary>Failures in a row that open it.</summary>
    internal const int Threshold = 5;

    internal static readonly TimeSpan ProbeEvery = TimeSpan.FromSeconds(30);

    private const string CountFailure = """
        local failures = redis.call('incr', KEYS[1])
        redis.call('pexpire', KEYS[1], ARGV[1])
        return failures
        """;

    // Milliseconds until a call may be tried: 0 when closed, less when this caller is the probe.
    private const string Ask = """
        if tonumber(redis.call('get', KEYS[1]) or '0') < tonumber(ARGV[1]) then return 0 end
        if redis.call('set', KEYS[2], ARGV[3], 'nx', 'px', ARGV[2]) then return -1 end
        return math.max(1, redis.call('pttl', KEYS[2]))
        """;

    private const string GiveBack = """
        if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end
        return 0
        """;

    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private int _failures;
    private DateTimeOffset _failedAt;
    private DateTimeOffset _nextProbe;

    /// <summary>Returns when the provider may be called: no pause holds, and the breaker is closed or this call is its probe.</summary>
    /// <returns>To be disposed of when the call was made, or will not be.</returns>
    public async Task<ProviderTurn> EnterAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await pause.WaitAsync(cancellationToken);
            var (wait, giveBack) = await AskAsync(cancellationToken);
            if (wait <= TimeSpan.Zero)
                return new ProviderTurn(giveBack);
            await Task.Delay(wait < LookAgain ? wait : LookAgain, time, cancellationToken);
        }
    }

    /// <summary>The provider answered, whatever it said: it is there.</summary>
    public async Task AnsweredAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
            _failures = 0;
        try
        {
            await redis.RunAsync(database => database.KeyDeleteAsync([FailuresKey, ProbeKey]), cancellationToken);
        }
        catch (RedisUnavailableException)
        {
            // The other workers find out by themselves.
        }
    }

    /// <summary>The provider was down for a call.</summary>
    public async Task FailedAsync(CancellationToken cancellationToken)
    {
        var failures = await CountAsync(cancellationToken);
        if (failures >= Threshold)
            await pause.BeginAsync(ProviderFailures.Unavailable, PauseAfter(failures), cancellationToken);
    }

    /// <summary>10 s, doubled with every failure from the threshold on, up to 2 minutes.</summary>
    internal static TimeSpan PauseAfter(long failures)
    {
        var pause = FirstPause * Math.Pow(2, Math.Min(failures - Threshold, 10));
        return pause < LongestPause ? pause : LongestPause;
    }

    private async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        int own;
        lock (_gate)
        {
            var now = time.GetUtcNow();
            _failures = now - _failedAt > Forgotten ? 1 : _failures + 1;
            (own, _failedAt) = (_failures, now);
        }

        try
        {
            return (long)await redis.RunAsync(
                database => database.ScriptEvaluateAsync(CountFailure, [FailuresKey], [(long)Forgotten.TotalMilliseconds]), cancellationToken);
        }
        catch (RedisUnavailableException)
        {
            return own;
        }
    }

    /// <summary>How long to wait; and if the probe was taken, how it is given back.</summary>
    private async Task<(TimeSpan Wait, Func<Task>? GiveBack)> AskAsync(CancellationToken cancellationToken)
    {
        var probe = Guid.NewGuid().ToString("n");
        try
        {
            var milliseconds = (long)await redis.RunAsync(
                database => database.ScriptEvaluateAsync(Ask, [FailuresKey, ProbeKey], [Threshold, (long)ProbeEvery.TotalMilliseconds, probe]), cancellationToken);
            return (TimeSpan.FromMilliseconds(milliseconds), milliseconds < 0 ? () => GiveBackAsync(probe) : null);
        }
        catch (RedisUnavailableException)
        {
            return AskMyself();
        }
    }

    private async Task GiveBackAsync(string probe)
    {
        try
        {
            await redis.RunAsync(database => database.ScriptEvaluateAsync(GiveBack, [ProbeKey], [probe]), CancellationToken.None);
        }
        catch (RedisUnavailableException)
        {
            // It ends by itself.
        }
    }

    private (TimeSpan Wait, Func<Task>? GiveBack) AskMyself()
    {
        lock (_gate)
        {
            var now = time.GetUtcNow();
            if (_failures < Threshold || now - _failedAt > Forgotten)
                return (TimeSpan.Zero, null);
            if (now < _nextProbe)
                return (_nextProbe - now, null);
            var mine = _nextProbe = now + ProbeEvery;
            return (TimeSpan.Zero, () => GiveBackToMyself(mine));
        }
    }

    private Task GiveBackToMyself(DateTimeOffset mine)
    {
        lock (_gate)
        {
            if (_nextProbe == mine)
                _nextProbe = default;
        }

        return Task.CompletedTask;
    }
}

/// <summary>Leave to call the provider, which the breaker's probe may hang on.</summary>
/// <param name="giveBack">Lets another be the probe; null if this is none.</param>
internal sealed class ProviderTurn(Func<Task>? giveBack) : IAsyncDisposable
{
    private bool _taken;

    /// <summary>The provider is being called: what comes of it is told to the breaker.</summary>
    public void Take() => _taken = true;

    public ValueTask DisposeAsync() => _taken || giveBack is null ? ValueTask.CompletedTask : new ValueTask(giveBack());
}
