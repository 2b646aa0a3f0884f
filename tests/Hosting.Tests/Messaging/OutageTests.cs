using HomeStage.Hosting.Messaging;
using HomeStage.Testing;
using MassTransit;
using MassTransit.RabbitMqTransport;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace HomeStage.Hosting.Tests.Messaging;

/// <summary>A dependency goes away for as long as it likes; what was committed arrives, once, and nothing is dead-lettered.</summary>
public sealed class OutageTests(TestServers servers)
{
    private static readonly Guid[] Orders = [.. Enumerable.Range(0, 20).Select(_ => Guid.CreateVersion7())];

    [Fact]
    public async Task Without_PostgreSQL_messages_wait_unacknowledged_and_take_effect_when_it_is_back()
    {
        await using var postgres = await servers.StartPostgresAsync();
        await using var database = await TestDatabase.CreateAsync(postgres.Facts.Postgres!);
        await using var broker = await servers.CreateVirtualHostAsync();
        var settings = EffectsService.Settings(database, broker);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, settings);
        await EffectsService.WriteAsync(host.Services, Orders[0]);
        await Eventually.Async(async () => await SeenAsync(database) == 1, "the service works");

        await postgres.Postgres!.KillAsync();
        await PublishAsync(broker);
        // The consumer takes 8 at once; that no more are delivered shows that those wait in its hands.
        await Eventually.Async(async () => await broker.MessagesAsync("billing.payment-completed") == Orders.Length - 1 - 8, "the consumers have met the outage");
        await postgres.Postgres.StartAgainAsync(TestContext.Current.CancellationToken);

        await Eventually.Async(async () => await SeenAsync(database) == Orders.Length, "every message took effect once");
        (await broker.MessagesAsync("billing.payment-completed_error")).ShouldBe(0);
    }

    [Fact]
    public async Task Without_RabbitMQ_messages_wait_in_the_outbox_and_take_effect_when_it_is_back()
    {
        await using var rabbit = await servers.StartRabbitMqAsync();
        await using var broker = await TestVirtualHost.CreateAsync(rabbit.Facts.RabbitMq!);
        await using var database = await servers.CreateDatabaseAsync();
        var settings = EffectsService.Settings(database, broker);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, settings);
        await EffectsService.WriteAsync(host.Services, Orders[0]);
        await Eventually.Async(async () => await SeenAsync(database) == 1, "the service works");

        await rabbit.RabbitMq!.KillAsync();
        foreach (var order in Orders.Skip(1))
            await EffectsService.WriteAsync(host.Services, order);
        await rabbit.RabbitMq.StartAgainAsync(TestContext.Current.CancellationToken);

        await Eventually.Async(async () => await SeenAsync(database) == Orders.Length, "every message took effect once", TimeSpan.FromMinutes(3));
        (await broker.MessagesAsync("billing.payment-completed_error")).ShouldBe(0);
    }

    [Fact]
    public async Task A_lost_connection_whose_client_hangs_in_saying_so_is_left_for_a_new_one()
    {
        await using var broker = await servers.CreateVirtualHostAsync();
        await using var database = await servers.CreateDatabaseAsync();
        var settings = EffectsService.Settings(database, broker);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, settings);
        var never = new TaskCompletionSource();
        var scenario = host.Services.GetRequiredService<Scenario>();
        scenario.Consuming = context =>
        {
            scenario.Consuming = _ => { };
            context.ReceiveContext.GetPayload<ChannelContext>().Channel.ChannelShutdownAsync += (_, _) => never.Task;
        };
        await EffectsService.WriteAsync(host.Services, Orders[0]);
        await Eventually.Async(async () => await SeenAsync(database) == 1, "the service works");

        await broker.CloseConnectionsAsync("billing");
        await EffectsService.WriteAsync(host.Services, Orders[1]);

        await Eventually.Async(async () => await SeenAsync(database) == 2, "another message went out, came in and took effect");
    }

    [Fact]
    public async Task A_connection_that_confirms_nothing_any_more_is_given_up_for_a_new_one()
    {
        await using var broker = await servers.CreateVirtualHostAsync();
        await using var database = await servers.CreateDatabaseAsync();
        await using var tap = BrokerTap.Start(servers.Facts.RabbitMq!);
        var settings = EffectsService.Settings(database, broker);
        settings["RABBITMQ_URL"] = tap.Through(settings["RABBITMQ_URL"]);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, settings);
        await EffectsService.WriteAsync(host.Services, Orders[0]);
        await Eventually.Async(async () => await SeenAsync(database) == 1 && await LeftAsync(database) == 0, "the service works");

        tap.Mute();
        await EffectsService.WriteAsync(host.Services, Orders[1]);
        await EffectsService.WriteAsync(host.Services, Orders[2]);

        await Eventually.Async(async () => await LeftAsync(database) == 0, "the messages were confirmed");
        await Eventually.Async(async () => await SeenAsync(database) == 3, "every message took effect once");
    }

    [Fact]
    public async Task A_connection_lost_under_a_consumer_that_waits_leaves_the_service_neither_deaf_nor_dumb()
    {
        await using var broker = await servers.CreateVirtualHostAsync();
        await using var database = await servers.CreateDatabaseAsync();
        var settings = EffectsService.Settings(database, broker);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, settings);
        var waiting = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var scenario = host.Services.GetRequiredService<Scenario>();
        scenario.BeforeCommit = () =>
        {
            scenario.BeforeCommit = () => Task.CompletedTask;
            waiting.SetResult();
            return release.Task;
        };
        await EffectsService.WriteAsync(host.Services, Orders[0]);
        await waiting.Task;

        await broker.CloseConnectionsAsync("billing");
        await EffectsService.WriteAsync(host.Services, Orders[1]);

        await Eventually.Async(async () => await SeenAsync(database) == 1, "another message went out, came in and took effect");
        release.SetResult();
        await Eventually.Async(async () => await SeenAsync(database) == 2, "and the first one did, once");
        (await broker.MessagesAsync("billing.payment-completed_error")).ShouldBe(0);
    }

    private static async Task PublishAsync(TestVirtualHost broker)
    {
        await using var publisher = await TestHost.StartAsync(
            service => service.AddMessaging(bus => bus.Publishes<Contracts.PaymentCompleted>()),
            new Dictionary<string, string> { ["RABBITMQ_URL"] = broker.Url("billing") });
        foreach (var order in Orders.Skip(1))
        {
            var messageId = Guid.CreateVersion7();
            await Eventually.Async(
                async () =>
                {
                    await publisher.Services.GetRequiredService<BusPublisher>()
                        .PublishAsync(EffectsService.Paid(order), messageId, TestContext.Current.CancellationToken);
                    return true;
                },
                "the broker has confirmed the message");
        }
    }

    /// <summary>How many orders took effect; one that took effect twice is an error of its own.</summary>
    private static async Task<long> SeenAsync(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnection);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("select count(*), coalesce(max(seen), 0) from effects", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        await reader.ReadAsync(TestContext.Current.CancellationToken);
        reader.GetInt32(1).ShouldBeLessThanOrEqualTo(1);
        return reader.GetInt64(0);
    }

    /// <summary>How many messages are not confirmed yet.</summary>
    private static async Task<long> LeftAsync(TestDatabase database)
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnection);
        await using var command = source.CreateCommand("select count(*) from outbox");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
