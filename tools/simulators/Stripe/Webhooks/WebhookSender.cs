using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Simulators.Faults;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe.Webhooks;

/// <summary>
/// Delivers events as Stripe does: signed, in the order in which they happened, and again with growing waits until the receiver answers 2xx.
/// An event that waits for its next attempt does not hold up those behind it.
/// </summary>
internal sealed partial class WebhookSender(
    StripeSettings settings, StripeState state, FaultQueue faults, DeliveryLog log, IHttpClientFactory clients, TimeProvider time, ILogger<WebhookSender> logger)
    : BackgroundService
{
    private static readonly TimeSpan ReorderPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StaleBy = TimeSpan.FromMinutes(10);

    private readonly Lock _heldGate = new();
    private readonly List<Held> _held = [];

    /// <summary>Sends an event now, whatever became of it before.</summary>
    public void Resend(JsonObject happened, CancellationToken cancel)
    {
        log.Expect(happened.Id(), happened.Text("type"));
        _ = Deliver(happened, cancel);
    }

    /// <summary>One signed POST of any payload, for events that Stripe would never write.</summary>
    public async Task<int> SendRaw(string payload, CancellationToken cancel)
    {
        using var answer = await Post(payload, WebhookSignature.Of(payload, Timestamp(), settings.WebhookSecrets), cancel);
        return (int)answer.StatusCode;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (settings.WebhookUrl is null)
            return;
        await Parallel.ForEachAsync(
            state.Emitted.ReadAllAsync(stoppingToken),
            new ParallelOptions { MaxDegreeOfParallelism = settings.WebhookParallel, CancellationToken = stoppingToken },
            async (happened, cancel) => await First(happened, cancel));
    }

    /// <summary>An event's turn: its first attempt, unless a fault has other plans.</summary>
    private async Task First(JsonObject happened, CancellationToken cancel)
    {
        var type = happened.Text("type");
        log.Expect(happened.Id(), type);
        var fault = faults.Take(fault => fault.Kind is FaultKind.WebhookDrop or FaultKind.WebhookDelay or FaultKind.WebhookReorder or FaultKind.WebhookDuplicate, type);
        switch (fault?.Kind)
        {
            case FaultKind.WebhookDrop:
                Finish(happened, DeliveryState.Dropped);
                return;
            case FaultKind.WebhookDelay:
                _ = DeliverAfter(Task.Delay(TimeSpan.FromSeconds(fault.Seconds ?? 1), time, cancel), happened, cancel);
                return;
            case FaultKind.WebhookReorder:
                Hold(happened, fault, cancel);
                return;
            case FaultKind.WebhookDuplicate:
                var accepted = await Task.WhenAll(Enumerable.Range(0, fault.Times + 1).Select(_ => Attempt(happened, cancel)));
                if (!accepted.Contains(true))
                    _ = Retry(happened, cancel);
                break;
            default:
                await Deliver(happened, cancel);
                break;
        }
        ReleaseHeld();
    }

    private async Task DeliverAfter(Task wait, JsonObject happened, CancellationToken cancel)
    {
        await wait;
        await Deliver(happened, cancel);
    }

    /// <summary>The first attempt; further ones, if needed, go on in the background.</summary>
    private async Task Deliver(JsonObject happened, CancellationToken cancel)
    {
        if (!await Attempt(happened, cancel))
            _ = Retry(happened, cancel);
    }

    private async Task Retry(JsonObject happened, CancellationToken cancel)
    {
        var wait = settings.WebhookBackoff;
        for (var attempt = 2; attempt <= settings.WebhookAttempts; attempt++)
        {
            await Task.Delay(wait, time, cancel);
            if (await Attempt(happened, cancel))
                return;
            wait = wait * 2 < settings.WebhookBackoff * 100 ? wait * 2 : settings.WebhookBackoff * 100;
        }
        Log.GaveUp(logger, happened.Id(), happened.Text("type"));
        Finish(happened, DeliveryState.GivenUp);
    }

    private async Task<bool> Attempt(JsonObject happened, CancellationToken cancel)
    {
        var fault = faults.Take(fault => fault.Kind is FaultKind.WebhookBadSignature or FaultKind.WebhookStaleSignature, happened.Text("type"));
        var payload = happened.ToWire();
        var signature = fault?.Kind switch
        {
            FaultKind.WebhookBadSignature => WebhookSignature.Of(payload, Timestamp(), ["whsec_of_somebody_else"]),
            FaultKind.WebhookStaleSignature => WebhookSignature.Of(payload, Timestamp() - (long)StaleBy.TotalSeconds, settings.WebhookSecrets),
            _ => WebhookSignature.Of(payload, Timestamp(), settings.WebhookSecrets),
        };
        var at = time.GetUtcNow();
        try
        {
            using var answer = await Post(payload, signature, cancel);
            log.Attempted(happened.Id(), new DeliveryAttempt(at, (int)answer.StatusCode, Error: null, fault?.Kind.ToString()));
            if (answer.IsSuccessStatusCode)
                Finish(happened, DeliveryState.Delivered);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception failed) when (failed is HttpRequestException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            log.Attempted(happened.Id(), new DeliveryAttempt(at, Status: null, failed.Message, fault?.Kind.ToString()));
            return false;
        }
    }

    private async Task<HttpResponseMessage> Post(string payload, string signature, CancellationToken cancel)
    {
        using var client = clients.CreateClient(nameof(WebhookSender));
        using var request = new HttpRequestMessage(HttpMethod.Post, settings.WebhookUrl);
        request.Content = new StringContent(payload, Encoding.UTF8, new MediaTypeHeaderValue("application/json", "utf-8"));
        request.Headers.TryAddWithoutValidation("Stripe-Signature", signature);
        request.Headers.TryAddWithoutValidation("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
    }

    private void Finish(JsonObject happened, DeliveryState how)
    {
        log.Ended(happened.Id(), how);
        state.Change(EventOrigin.None, change => change.Edit(happened.Id())["pending_webhooks"] = 0);
    }

    private void Hold(JsonObject happened, Fault fault, CancellationToken cancel)
    {
        var entry = new Held { Left = fault.Times };
        lock (_heldGate)
            _held.Add(entry);
        var patience = Task.Delay(fault.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : ReorderPatience, time, cancel);
        _ = DeliverAfter(Task.WhenAny(entry.Overtaken.Task, patience), happened, cancel);
    }

    private void ReleaseHeld()
    {
        lock (_heldGate)
        {
            foreach (var entry in _held.Where(entry => --entry.Left == 0))
                entry.Overtaken.TrySetResult();
            _held.RemoveAll(entry => entry.Left <= 0);
        }
    }

    private long Timestamp() => time.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>An event that lets others overtake it.</summary>
    private sealed class Held
    {
        public int Left { get; set; }

        public TaskCompletionSource Overtaken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Gave up delivering {Event} ({Type})")]
        public static partial void GaveUp(ILogger logger, string @event, string type);
    }
}
