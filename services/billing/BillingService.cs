using HomeStage.Billing.Accounts;
using HomeStage.Billing.Checkout;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Reconciliation;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Support;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Billing;

/// <summary>What billing is made of.</summary>
internal static class BillingService
{
    internal static void Compose(ServiceBuilder service)
    {
        service.AddDatabase<BillingDb>();
        service.AddIdentity(callers: ["gateway", "entitlements"]);
        service.AddMessaging(bus => bus
            .Publishes<PaymentCompleted>()
            .Publishes<PaymentAdjusted>()
            .Consumes<AccountMergedConsumer, AccountMerged>());
        service.AddOutbox<BillingDb>();
        service.AddMetrics<BillingMetrics>();
        service.AddStripe();
        service.AddPlans();
        service.AddOrders();
        service.AddCheckout();
        service.AddWebhooks();
        service.AddReconciliation();
        service.AddSupport();
    }
}
