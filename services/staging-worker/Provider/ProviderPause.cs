using HomeStage.Hosting.Redis;
using Polly;
using Polly.Retry;

namespace HomeStage.Worker.Provider;

/// <summary>
/// The time in which no worker calls the provider, after it refused one of them. Shared through Redis; while Redis is away each worker
/// keeps what it knows itself.
/// </summary>
/// <remarks>
/// <c>homestage:provider:pause</c> is the one key: its value is the code of the refusal, its remaining life is the pause, so that workers
/// need not agree on the time. Deleting it ends the pause for workers that did not see the refusal themselves.
/// </remarks>
internal sealed partial class ProviderPause
{
    internal const string Key = "homestage:provider:pause";

    // Only ever lengthens: a worker that was told less does not shorten what another was told.
    private const string Lengthen = """
        if redis.call('pttl', KEYS[1]) < tonumber(ARGV[1]) then redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[1]) end
        return 1
        """;

    // A pause may be lengthened, or ended by hand, while it is waited for.
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    private readonly RedisConnection _redis;
    private readonly WorkerMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<ProviderPause> _logger;
    private readonly ResiliencePipeline _insistently;
    private readonly Lock _gate = new();
    private DateTimeOffset _until;
    private string _code = "";

    public ProviderPause(RedisConnection redis, WorkerMetrics metrics, TimeProvider time, ILogger<ProviderPause> logger)
    {
        (_redis, _metrics, _time, _logger) = (redis, metrics, time, logger);
        // A moment without Redis must not let every other worker run into the same refusal.
        _insistently = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<RedisUnavailableException>(),
                MaxRetryAttempts = 2,
                Delay = TimeSpan.FromMilliseconds(250),
            })
            .Build();
        metrics.ObservePause(() => Reason);
    }

    /// <summary>Why this worker's calls are paused, as far as it knows; null when they are not.</summary>
    internal string? Reason
    {
        get
        {
            lock (_gate)
                return _until > _time.GetUtcNow() ? _code : null;
        }
    }

    /// <summary>Pauses all workers.</summary>
    public async Task BeginAsync(string code, TimeSpan duration, CancellationToken cancellationToken)
    {
        Remember(code, duration);
        Log.Paused(_logger, code, duration.TotalSeconds);
        _metrics.Paused(code);
        var milliseconds = (long)Math.Ceiling(duration.TotalMilliseconds);
        try
        {
            await _insistently.ExecuteAsync(
                async token => await _redis.RunAsync(database => database.ScriptEvaluateAsync(Lengthen, [Key], [milliseconds, code]), token), cancellationToken);
        }
        catch (RedisUnavailableException)
        {
            Log.NotShared(_logger);
        }
    }

    /// <summary>Returns when no pause holds.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        while (await RemainingAsync(cancellationToken) is { Ticks: > 0 } remaining)
            await Task.Delay(remaining < LookAgain ? remaining : LookAgain, _time, cancellationToken);
    }

    private async Task<TimeSpan> RemainingAsync(CancellationToken cancellationToken)
    {
        TimeSpan own;
        lock (_gate)
            own = _until - _time.GetUtcNow();
        try
        {
            var shared = await _redis.RunAsync(database => database.KeyTimeToLiveAsync(Key), cancellationToken);
            if (shared > own)
            {
                var code = await _redis.RunAsync(database => database.StringGetAsync(Key), cancellationToken);
                Remember(code.ToString(), shared.Value);
                return shared.Value;
            }
        }
        catch (RedisUnavailableException)
        {
            // Then only what this worker saw itself counts.
        }

        return own;
    }

    private void Remember(string code, TimeSpan duration)
    {
        lock (_gate)
        {
            var until = _time.GetUtcNow() + duration;
            if (until > _until)
                (_until, _code) = (until, code);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No provider calls for {Seconds} s: {Code}", EventName = "provider_paused")]
        public static partial void Paused(ILogger logger, string code, double seconds);

        [LoggerMessage(2, LogLevel.Warning, "The pause cannot be shared, Redis is away", EventName = "provider_pause_not_shared")]
        public static partial void NotShared(ILogger logger);
    }
}
