using HomeStage.Hosting;

namespace HomeStage.Billing.Reconciliation;

/// <summary>Asking Stripe for what it did not tell.</summary>
internal static class ReconciliationExtensions
{
    /// <summary>Adds the reconciliation with Stripe's list of events and the check of pending orders; reads <c>RECONCILE_SECONDS</c>.</summary>
    internal static void AddReconciliation(this ServiceBuilder service)
    {
        var interval = service.Settings.Seconds("RECONCILE_SECONDS", 60, 10, 86_400, "how often Stripe's list of events is compared with what webhooks brought");
        service.Services.AddSingleton(new ReconcilerSettings(interval));
        service.Services.AddSingleton<PendingOrders>();
        service.Services.AddSingleton<Reconciler>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<Reconciler>());
    }
}
