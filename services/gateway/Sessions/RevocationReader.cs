using HomeStage.Gateway.Entitlements;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Redis;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Gateway.Sessions;

/// <summary>How often revocations are read when nobody says that there are new ones.</summary>
internal sealed record RevocationTimes(TimeSpan ReadEvery)
{
    internal static readonly RevocationTimes Default = new(TimeSpan.FromSeconds(10));
}

/// <summary>
/// Keeps <see cref="Revocations"/> up to date: reads all before the gateway is ready, then what is new every ten seconds, and at once when
/// Redis says so or comes back.
/// </summary>
internal sealed partial class RevocationReader(
    Revocations revocations, RevocationTimes times, RedisConnection redis, IServiceProvider services, Sweeps sweeps, TimeProvider time, ILogger<RevocationReader> logger)
    : BackgroundService
{
    /// <summary>The channel on which entitlements says that there is something to read.</summary>
    internal const string Channel = "homestage:revocations";

    private const string SweepName = "revocations";
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // A page takes a fraction of the time that a call may take, however many were revoked.
    private const int PageSize = 20_000;

    private readonly Wakeup _wakeup = new();
    private string _next = "0";

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        sweeps.Expect(SweepName, times.ReadEvery);
        await ReadAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _wakeup.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(ListenAsync(stoppingToken), ReadOnAsync(stoppingToken));

    private async Task ReadOnAsync(CancellationToken stoppingToken)
    {
        var succeeded = revocations.Loaded;
        while (!stoppingToken.IsCancellationRequested)
        {
            await _wakeup.WaitAsync(succeeded ? times.ReadEvery : RetryAfter, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!stoppingToken.IsCancellationRequested)
                succeeded = await ReadAsync(stoppingToken);
        }
    }

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            // A client for each reading: its connections follow the address when that moves.
            var entitlements = services.GetRequiredService<EntitlementsClient>();
            for (var more = true; more;)
            {
                var answer = await entitlements.SendAsync<RevocationList>(HttpMethod.Get, $"/internal/revocations?limit={PageSize}&after={_next}", body: null, cancellationToken);
                if (answer.Value is not { Subjects: { } subjects, Next: { } next })
                    return false;
                revocations.Add(subjects);
                (_next, more) = (next, answer.Value.More);
            }

            revocations.HaveLoaded();
            sweeps.Succeeded(SweepName);
            return true;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            sweeps.Failed(SweepName);
            Log.NotRead(logger, error);
            return false;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await redis.SubscribeAsync(Channel, _ => _wakeup.Call(), _wakeup.Call).WaitAsync(TimeSpan.FromSeconds(5), time, stoppingToken);
                return;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotSubscribed(logger, error);
                await Task.Delay(RetryAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private sealed record RevocationList(IReadOnlyList<Guid>? Subjects, string? Next, bool More);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Redis cannot be subscribed to; revocations are read every ten seconds", EventName = "revocation_subscription_failed")]
        public static partial void NotSubscribed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Error, "Revocations could not be read; trying again", EventName = "revocations_not_read")]
        public static partial void NotRead(ILogger logger, Exception exception);
    }
}
