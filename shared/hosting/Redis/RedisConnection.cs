using HomeStage.Hosting.Configuration;
using Polly;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace HomeStage.Hosting.Redis;

/// <summary>
/// Redis as something that may be away or frozen at any time. Every call ends within 100 ms (<c>REDIS_TIMEOUT_MS</c>): with an answer, or with
/// <see cref="RedisUnavailableException"/>; after repeated failures calls fail at once for a second, and so do calls beyond
/// <see cref="MostInFlight"/> at a time. What then holds is the caller's rule.
/// </summary>
public sealed class RedisConnection : IAsyncDisposable
{
    private const int MostInFlight = 256;

    private readonly TimeSpan _limit;
    private readonly SemaphoreSlim _places = new(MostInFlight);
    private readonly Lazy<Task<ConnectionMultiplexer>> _connection;
    private readonly RedisMetrics _metrics;
    private readonly ResiliencePipeline _breaker;

    internal RedisConnection(string configuration, TimeSpan limit, TrustedAuthority? authority, RedisMetrics metrics)
    {
        _limit = limit;
        _metrics = metrics;
        _breaker = new ResiliencePipelineBuilder()
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                FailureRatio = 0.5,
                MinimumThroughput = 4,
                SamplingDuration = TimeSpan.FromSeconds(2),
                BreakDuration = TimeSpan.FromSeconds(1),
                OnOpened = _ => Changed(open: true),
                OnClosed = _ => Changed(open: false),
            })
            .Build();
        var options = ConfigurationOptions.Parse(configuration);
        if (authority is not null)
            options.CertificateValidation += authority.Accepts;
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = 1000;
        options.ReconnectRetryPolicy = new LinearRetry(500);
        _connection = new Lazy<Task<ConnectionMultiplexer>>(() => ConnectionMultiplexer.ConnectAsync(options));
    }

    /// <summary>Runs one command.</summary>
    /// <exception cref="RedisUnavailableException">No answer in time, no connection, or the breaker is open.</exception>
    public async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> command, CancellationToken cancellationToken)
    {
        if (!_places.Wait(0, CancellationToken.None))
        {
            _metrics.Failed("crowded");
            throw new RedisUnavailableException(inner: null);
        }

        try
        {
            return await _breaker.ExecuteAsync(
                // 1.2.6 can wait for ever on a frozen server, whatever its own timeouts say.
                async token => await ConnectAndRunAsync(command).WaitAsync(_limit, token),
                cancellationToken);
        }
        catch (Exception error) when (error is RedisException or TimeoutException or BrokenCircuitException)
        {
            _metrics.Failed(error switch { TimeoutException => "timeout", BrokenCircuitException => "breaker", _ => "error" });
            throw new RedisUnavailableException(error);
        }
        finally
        {
            _places.Release();
        }
    }

    private ValueTask Changed(bool open)
    {
        _metrics.BreakerChanged(open);
        return ValueTask.CompletedTask;
    }

    private async Task<T> ConnectAndRunAsync<T>(Func<IDatabase, Task<T>> command)
    {
        var connection = _connection.Value;
        return await command((connection.IsCompletedSuccessfully ? connection.Result : await connection).GetDatabase());
    }

    /// <summary>
    /// Listens to a channel; resubscribes by itself after an outage, but what was sent meanwhile is lost, so readers must also poll.
    /// Does not wait for Redis to be there.
    /// </summary>
    /// <param name="channel">The channel.</param>
    /// <param name="received">Hears each message.</param>
    /// <param name="reconnected">Hears that there may have been others, because the connection was lost meanwhile.</param>
    public async Task SubscribeAsync(string channel, Action<string> received, Action? reconnected = null)
    {
        var redis = await _connection.Value;
        if (reconnected is not null)
            redis.ConnectionRestored += (_, _) => reconnected();
        await redis.GetSubscriber().SubscribeAsync(
            new RedisChannel(channel, RedisChannel.PatternMode.Literal), (_, message) => received(message.ToString()));
    }

    /// <summary>Publishes to a channel.</summary>
    /// <exception cref="RedisUnavailableException">As <see cref="RunAsync"/>.</exception>
    public Task PublishAsync(string channel, string message, CancellationToken cancellationToken) =>
        RunAsync(redis => redis.PublishAsync(new RedisChannel(channel, RedisChannel.PatternMode.Literal), message), cancellationToken);

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _places.Dispose();
        if (!_connection.IsValueCreated)
            return;
        try
        {
            (await _connection.Value.WaitAsync(_limit)).Dispose();
        }
        catch (Exception error) when (error is RedisException or TimeoutException)
        {
            // It never came up; there is nothing to close.
        }
    }
}

/// <summary>Redis did not answer.</summary>
public sealed class RedisUnavailableException(Exception? inner) : Exception("Redis is not available.", inner);
