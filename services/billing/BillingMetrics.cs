using System.Diagnostics.Metrics;
using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Billing;

/// <summary>What billing counts; a method for each fact.</summary>
internal sealed class BillingMetrics
{
    /// <summary>Why a webhook with a good signature is refused.</summary>
    internal const string EventUnreadable = "event_unreadable";

    private readonly Meter _meter;
    private readonly Counter<long> _checkouts;
    private readonly Counter<long> _payments;
    private readonly Counter<long> _adjustments;
    private readonly Counter<long> _warnings;
    private readonly Counter<long> _events;
    private readonly Counter<long> _missed;
    private readonly Counter<long> _signatures;
    private readonly Counter<long> _anomalies;
    private readonly Histogram<double> _calls;
    private int _failuresInRow;

    public BillingMetrics(IMeterFactory meters)
    {
        var meter = _meter = meters.Create("HomeStage.Billing");
        _checkouts = meter.CreateCounter<long>("homestage.billing.checkouts", "{checkout}", "Checkouts, by `plan` and `outcome`.");
        _payments = meter.CreateCounter<long>("homestage.billing.payments", "{order}", "Orders that were paid, by `plan`.");
        _adjustments = meter.CreateCounter<long>("homestage.billing.payment_adjustments", "{order}", "Changes of what paid orders gave back, or of a dispute about them.");
        _warnings = meter.CreateCounter<long>("homestage.billing.fraud_warnings", "{order}", "Orders whose card's issuer warned of fraud.");
        _missed = meter.CreateCounter<long>(
            "homestage.billing.missed_events", "{event}", "Events that only the reconciliation found. Many of them: look at the webhook endpoint at Stripe.");
        _events = meter.CreateCounter<long>("homestage.billing.stripe_events", "{event}", "Events received from Stripe, by `type` and `outcome`.");
        _signatures = meter.CreateCounter<long>("homestage.billing.webhook_refused", "{request}", "Webhook requests refused, by `reason`.");
        _anomalies = meter.CreateCounter<long>("homestage.billing.payment_anomalies", "{event}", "Events that contradict their order, by `reason`. Anything but 0 wants a person.");
        _calls = meter.CreateDuration("homestage.billing.stripe.duration", "s", "Calls to Stripe with their retries, by `outcome`: the HTTP status, timeout, unreachable or failed.");
        meter.CreateObservableGauge("homestage.billing.webhook_failures.in_row", () => Volatile.Read(ref _failuresInRow), "{request}", "Webhook requests that this replica refused or could not store since the last one that it took.");
        _missed.Add(0);
        foreach (var reason in WebhookSignature.Reasons.Append(EventUnreadable))
            _signatures.Add(0, new KeyValuePair<string, object?>("reason", reason));
    }

    public void ObserveArrivals(Func<int> waiting) =>
        _meter.CreateObservableGauge("homestage.billing.arriving_events", waiting, "{event}", "Events that wait for others to be committed.");

    public void CheckoutStarted(string plan) => _checkouts.Add(1, new("plan", plan), new("outcome", "started"));

    public void CheckoutFailed(string plan) => _checkouts.Add(1, new("plan", plan), new("outcome", "stripe_unavailable"));

    public void PaymentRecorded(string plan) => _payments.Add(1, new KeyValuePair<string, object?>("plan", plan));

    public void PaymentAdjusted() => _adjustments.Add(1);

    public void FraudWarned() => _warnings.Add(1);

    public void EventsMissed(int count) => _missed.Add(count);

    public void EventReceived(string type, string outcome) => _events.Add(1, new("type", type), new("outcome", outcome));

    public void WebhookRefused(string reason) => _signatures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <summary>A webhook request was answered.</summary>
    public void WebhookAnswered(bool taken)
    {
        if (taken)
            Volatile.Write(ref _failuresInRow, 0);
        else
            Interlocked.Increment(ref _failuresInRow);
    }

    public void PaymentAnomaly(string reason) => _anomalies.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void StripeCalled(TimeSpan duration, string outcome) => _calls.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
}
