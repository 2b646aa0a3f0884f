using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace HomeStage.Hosting.Tests.Messaging;

public sealed class BrokerRightsTests(TestServers servers)
{
    private const string Queue = "billing.payment-completed";

    [Fact]
    public async Task A_worker_cannot_mint_money_and_billing_can_say_that_it_was_paid()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var broker = await servers.CreateVirtualHostAsync();
        await ServiceHost.MigrateAsync("billing", EffectsService.Settings(database, broker), EffectsService.Compose);

        await Should.ThrowAsync<Exception>(() => PublishAsync(broker, "staging-worker"));
        (await broker.MessagesAsync(Queue)).ShouldBe(0);

        // A publisher that has yet to connect may not be confirmed in time.
        await Eventually.Async(
            async () =>
            {
                await PublishAsync(broker, "billing");
                return true;
            },
            "the broker has confirmed the message");
        (await broker.TakeAsync(Queue)).Count.ShouldBe(1);
    }

    private static async Task PublishAsync(TestVirtualHost broker, string user)
    {
        await using var host = await TestHost.StartAsync(
            service => service.AddMessaging(bus => bus.Publishes<PaymentCompleted>()),
            new Dictionary<string, string> { ["RABBITMQ_URL"] = broker.Url(user) });
        await host.Services.GetRequiredService<BusPublisher>()
            .PublishAsync(EffectsService.Paid(Guid.CreateVersion7()), Guid.CreateVersion7(), TestContext.Current.CancellationToken);
    }
}
