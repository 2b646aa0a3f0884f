using System.Diagnostics.Metrics;
using HomeStage.Hosting;

namespace HomeStage.Billing;

/// <summary>What billing counts; a method for each fact.</summary>
internal sealed class BillingMetrics
{
    private readonly Counter<long> checkouts;
    private readonly Counter<long> payments;
    private readonly Counter<long> events;
    private readonly Counter<long> signatures;
    private readonly Counter<long> anomalies;
    private readonly Histogram<double> calls;

    public BillingMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("HomeStage.Billing");
        checkouts = meter.CreateCounter<long>("homestage.billing.checkouts", "{checkout}", "Checkouts by plan and outcome.");
        payments = meter.CreateCounter<long>("homestage.billing.payments", "{order}", "Orders that were paid, by plan.");
        events = meter.CreateCounter<long>("homestage.billing.stripe_events", "{event}", "Events received from Stripe, by type and what became of them.");
        signatures = meter.CreateCounter<long>("homestage.billing.webhook_refused", "{request}", "Webhook requests refused, by reason.");
        anomalies = meter.CreateCounter<long>("homestage.billing.payment_anomalies", "{event}", "Events that contradict their order, by reason. Anything but 0 wants a person.");
        calls = meter.CreateHistogram<double>("homestage.billing.stripe_call", "s", "Calls to Stripe with their retries, by outcome.");
    }

    public void CheckoutStarted(string plan) => checkouts.Add(1, new("plan", plan), new("outcome", "started"));

    public void CheckoutFailed(string plan) => checkouts.Add(1, new("plan", plan), new("outcome", "stripe_unavailable"));

    public void PaymentRecorded(string plan) => payments.Add(1, new KeyValuePair<string, object?>("plan", plan));

    public void EventReceived(string type, string outcome) => events.Add(1, new("type", type), new("outcome", outcome));

    public void WebhookRefused(string reason) => signatures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void PaymentAnomaly(string reason) => anomalies.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void StripeCalled(TimeSpan duration, string outcome) => calls.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
}

internal static class BillingMetricsExtensions
{
    /// <summary>Adds <see cref="BillingMetrics"/>.</summary>
    internal static void AddMetrics(this ServiceBuilder service) => service.Services.AddSingleton<BillingMetrics>();
}
