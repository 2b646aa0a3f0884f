using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;
using HomeStage.Staging.Accounts;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Catalog;
using HomeStage.Staging.Disclosures;
using HomeStage.Staging.Events;
using HomeStage.Staging.Listings;
using HomeStage.Staging.Photos;
using HomeStage.Staging.Retention;
using HomeStage.Staging.Stagings;
using HomeStage.Staging.WebhookEndpoints;

namespace HomeStage.Staging;

/// <summary>What staging-api is made of.</summary>
internal static class StagingService
{
    internal static void Compose(ServiceBuilder service)
    {
        service.AddDatabase<StagingDb>();
        service.AddIdentity(callers: ["gateway", "staging-worker"], calls: true);
        service.AddMessaging(bus => bus
            .Publishes<StageRoom>()
            .Publishes<StagingSettled>()
            .Consumes<RenderProgressedConsumer, RenderProgressed>()
            .Consumes<RoomStagedConsumer, RoomStaged>()
            .Consumes<StagingFailedConsumer, StagingFailed>()
            .Consumes<CreditsChangedConsumer, CreditsChanged>()
            .Consumes<AccountMergedConsumer, AccountMerged>()
            .Consumes<AccountErasedConsumer, AccountErased>());
        service.AddOutbox<StagingDb>();
        service.AddCatalog();
        service.AddPhotos();
        service.AddStagings();
        service.AddListings();
        service.AddDisclosures();
        service.AddAttempts();
        service.AddEvents();
        service.AddWebhookEndpoints();
        service.AddRetention();
    }
}
