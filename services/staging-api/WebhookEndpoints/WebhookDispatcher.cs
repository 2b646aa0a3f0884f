using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>
/// Sends what is due. Every replica runs one; each has so many attempts under way at most, and waits for those when it stops: a delivery that was
/// given up halfway might have arrived.
/// </summary>
internal sealed partial class WebhookDispatcher(
    WebhookQueue queue, WebhookSender sender, WebhookSecrets secrets, WebhookMetrics metrics, Sweeps sweeps, TimeProvider time, ILogger<WebhookDispatcher> logger)
    : RecurringWork("webhook_dispatch", Interval, sweeps, time)
{
    private const int MostAtOnce = 128;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly List<Task> _underWay = [];
    private readonly Wakeup _ended = new();

    // A crowd that ends at once leaves connections to others.
    private readonly SemaphoreSlim _recording = new(4);

    /// <summary>The longest that one look is expected to take.</summary>
    protected override TimeSpan Expected => TimeSpan.FromSeconds(10);

    public override void Dispose()
    {
        base.Dispose();
        _ended.Dispose();
        _recording.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await base.ExecuteAsync(stoppingToken);
        await Task.WhenAll(_underWay);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        _underWay.RemoveAll(attempt => attempt.IsCompleted);
        var free = MostAtOnce - _underWay.Count;
        var claimed = free > 0 ? await queue.ClaimAsync(free, cancellationToken) : [];
        _underWay.AddRange(claimed.Select(delivery => Task.Run(() => AttemptAsync(delivery), CancellationToken.None)));
        return true;
    }

    // An attempt that has ended makes room for the next.
    protected override Task WaitAsync(CancellationToken cancellationToken) => _ended.WaitAsync(Interval, cancellationToken);

    protected override void Failed(Exception error) => Log.ClaimFailed(logger, error);

    private async Task AttemptAsync(ClaimedWebhook claimed)
    {
        try
        {
            var sent = await sender.SendAsync(claimed.Url, claimed.Id, SecretsOf(claimed), claimed.Payload, CancellationToken.None);
            metrics.Attempted(sent);
            if (sent.Error == WebhookErrors.AddressRefused)
                Log.AddressRefused(logger, claimed.EndpointId);
            await RecordAsync(claimed, sent);
        }
        catch (Exception error)
        {
            // The lease brings it back.
            Log.AttemptFailed(logger, claimed.Id, error);
        }
        finally
        {
            _ended.Call();
        }
    }

    private async Task RecordAsync(ClaimedWebhook claimed, WebhookSent sent)
    {
        await _recording.WaitAsync(CancellationToken.None);
        try
        {
            await queue.RecordAsync(claimed, sent, CancellationToken.None);
        }
        finally
        {
            _recording.Release();
        }
    }

    private IEnumerable<byte[]> SecretsOf(ClaimedWebhook claimed)
    {
        yield return secrets.Open(claimed.EndpointId, claimed.Secret);
        if (claimed.PreviousSecret is { } previous && claimed.PreviousSecretUntil > Time.GetUtcNow())
            yield return secrets.Open(claimed.EndpointId, previous);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Due webhooks cannot be read; trying again", EventName = "webhooks_unreadable")]
        public static partial void ClaimFailed(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "An attempt of webhook {DeliveryId} came to nothing; it is tried again when its lease is over", EventName = "webhook_attempt_failed")]
        public static partial void AttemptFailed(ILogger logger, Guid deliveryId, Exception exception);

        [LoggerMessage(3, LogLevel.Warning, "Webhook endpoint {EndpointId} leads to an address that is not public; nothing was sent", EventName = "webhook_address_refused")]
        public static partial void AddressRefused(ILogger logger, Guid endpointId);
    }
}
