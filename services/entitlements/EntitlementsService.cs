using HomeStage.Contracts;
using HomeStage.Entitlements.Accounts;
using HomeStage.Entitlements.ApiKeys;
using HomeStage.Entitlements.Credits;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Entitlements.Support;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;

namespace HomeStage.Entitlements;

/// <summary>What the service is made of.</summary>
internal static class EntitlementsService
{
    internal const string Name = "entitlements";

    internal static void Compose(ServiceBuilder service)
    {
        service.AddDatabase<EntitlementsDb>();
        service.AddIdentity(callers: ["gateway", "staging-api"], calls: true);
        service.AddMessaging(bus => bus
            .Publishes<CreditsChanged>()
            .Publishes<AccountMerged>()
            .Consumes<PaymentCompletedConsumer, PaymentCompleted>()
            .Consumes<PaymentAdjustedConsumer, PaymentAdjusted>()
            .Consumes<StagingSettledConsumer, StagingSettled>());
        service.AddOutbox<EntitlementsDb>();
        service.AddRevocations();
        service.AddSessions();
        service.AddOldSessions();
        service.AddSignIns();
        service.AddApiKeys();
        service.AddMerges();
        service.AddRestores();
        service.AddFreeUsage();
        service.AddAddressBlocks();
        service.AddLedger();
        service.AddHolds();
        service.AddHoldLists();
        service.AddBalances();
        service.AddStatement();
        service.AddExpirySweep();
        service.AddLedgerWatch();
        service.AddSupport();
    }
}
