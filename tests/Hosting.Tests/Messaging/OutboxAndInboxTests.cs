using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Migrations;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace HomeStage.Hosting.Tests.Messaging;

public sealed class OutboxAndInboxTests(TestServers servers) : IAsyncLifetime
{
    private TestDatabase _database = null!;
    private TestVirtualHost _broker = null!;
    private NpgsqlDataSource _admin = null!;

    private Dictionary<string, string> Settings => EffectsService.Settings(_database, _broker);

    public async ValueTask InitializeAsync()
    {
        _database = await servers.CreateDatabaseAsync();
        _broker = await servers.CreateVirtualHostAsync();
        _admin = NpgsqlDataSource.Create(_database.AdminConnection);
        await ServiceHost.MigrateAsync("billing", Settings, EffectsService.Compose);
    }

    public async ValueTask DisposeAsync()
    {
        await _admin.DisposeAsync();
        await _broker.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_committed_message_takes_effect_once_and_leaves_the_outbox()
    {
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);
        var order = Guid.CreateVersion7();

        await EffectsService.WriteAsync(host.Services, order);

        await Eventually.Async(async () => await SeenAsync(order) == 1 && await OutboxAsync() == 0, "the effect is there and the outbox is empty");
    }

    [Fact]
    public async Task A_message_of_a_transaction_that_rolled_back_is_never_sent()
    {
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);
        var (rolledBack, committed) = (Guid.CreateVersion7(), Guid.CreateVersion7());

        await EffectsService.WriteAsync(host.Services, rolledBack, commit: false);
        await EffectsService.WriteAsync(host.Services, committed);

        // The one that was committed later has arrived: the other would have come before it.
        await Eventually.Async(async () => await SeenAsync(committed) == 1, "the committed message arrived");
        (await SeenAsync(rolledBack)).ShouldBe(0);
    }

    [Fact]
    public async Task Messages_of_long_ago_are_forgotten_in_small_steps()
    {
        await ExecuteAsync(
            """
            create table steps (size bigint not null);
            create function note_step() returns trigger language plpgsql security definer as $$
            begin
              insert into steps select count(*) from forgotten;
              return null;
            end $$;
            create trigger note_step after delete on inbox referencing old table as forgotten for each statement execute function note_step();
            insert into inbox (consumer, message_id, received_at) select 'effects', gen_random_uuid(), now() - interval '15 days' from generate_series(1, 12000);
            insert into inbox (consumer, message_id, received_at) select 'effects', gen_random_uuid(), now() - interval '13 days' from generate_series(1, 3)
            """);

        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);

        await Eventually.Async(async () => await ScalarAsync("select count(*) from inbox") == 3, "what is old enough is forgotten");
        (await ScalarAsync("select max(size) from steps")).ShouldBe(5000);
    }

    [Fact]
    public async Task A_process_that_dies_after_its_commit_leaves_the_message_to_the_next()
    {
        var order = Guid.CreateVersion7();
        await InsertRowAsync(order, Guid.CreateVersion7());

        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);

        await Eventually.Async(async () => await SeenAsync(order) == 1, "the next process sent the message");
    }

    [Fact]
    public async Task A_row_leased_by_a_dispatcher_that_died_is_sent_when_the_lease_has_ended()
    {
        var (leased, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await InsertRowAsync(leased, Guid.CreateVersion7());
        await ExecuteAsync("update outbox set available_at = now() + interval '1 hour', attempts = 1");
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);
        await EffectsService.WriteAsync(host.Services, other);
        await Eventually.Async(async () => await SeenAsync(other) == 1, "a later message arrived");
        (await SeenAsync(leased)).ShouldBe(0);

        await ExecuteAsync("update outbox set available_at = now()");

        await Eventually.Async(async () => await SeenAsync(leased) == 1, "the row was taken over");
    }

    [Fact]
    public async Task A_dispatcher_that_is_stopped_ends_what_it_has_leased()
    {
        await ExecuteAsync(
            """
            create function wait_for_test() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(42); return null; end $$;
            create trigger wait_for_test before delete on outbox for each statement execute function wait_for_test()
            """);
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);
        await using var test = await _admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using (var command = new NpgsqlCommand("select pg_advisory_lock(42)", test))
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await EffectsService.WriteAsync(host.Services, Guid.CreateVersion7());
        await Eventually.Async(async () => await ScalarAsync("select count(*) from pg_locks where database = (select oid from pg_database where datname = current_database()) and locktype = 'advisory' and objid = 42 and not granted") > 0, "the message was sent");

        var stop = host.Services.GetRequiredService<OutboxDispatcher>().StopAsync(TestContext.Current.CancellationToken);
        await using (var command = new NpgsqlCommand("select pg_advisory_unlock(42)", test))
            await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        await stop;

        (await OutboxAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_message_that_was_sent_but_not_deleted_is_sent_again_and_takes_effect_once()
    {
        var (order, marker, messageId) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings);
        await InsertRowAsync(order, messageId);
        await Eventually.Async(async () => await SeenAsync(order) == 1 && await OutboxAsync() == 0, "the first sending took effect");

        await InsertRowAsync(order, messageId);
        await Eventually.Async(async () => await OutboxAsync() == 0, "the repetition was sent");
        await InsertRowAsync(marker, Guid.CreateVersion7());

        await Eventually.Async(async () => await SeenAsync(marker) == 1 && await _broker.MessagesAsync(Queue) == 0, "both were consumed");
        (await SeenAsync(order)).ShouldBe(1);
    }

    [Fact]
    public async Task A_consumer_that_dies_before_its_commit_leaves_nothing_and_takes_effect_at_the_next_delivery()
    {
        var attempts = 0;
        var scenario = new Scenario
        {
            BeforeCommit = () => Interlocked.Increment(ref attempts) == 1 ? throw new TimeoutException("the database went away") : Task.CompletedTask,
        };
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings, services => services.AddSingleton(scenario));
        var order = Guid.CreateVersion7();

        await EffectsService.WriteAsync(host.Services, order);

        await Eventually.Async(async () => await SeenAsync(order) == 1, "the second delivery took effect");
        attempts.ShouldBe(2);
    }

    [Fact]
    public async Task A_message_that_a_consumer_cannot_use_is_kept_with_the_dead_letters()
    {
        var scenario = new Scenario { BeforeCommit = () => throw new InvalidOperationException("this message makes no sense") };
        await using var host = await TestHost.StartAsync(EffectsService.Compose, Settings, services => services.AddSingleton(scenario));
        var order = Guid.CreateVersion7();

        await EffectsService.WriteAsync(host.Services, order);

        var dead = await Eventually.ValueAsync(
            async () => await _broker.TakeAsync(Queue + "_error") is { Count: 1 } kept ? kept : null, "the message is among the dead letters");
        dead[0].ShouldContain(order.ToString());
        (await SeenAsync(order)).ShouldBe(0);
    }

    [Fact]
    public async Task A_message_that_reaches_no_queue_stays_in_the_outbox()
    {
        await using var host = await TestHost.StartAsync(
            service =>
            {
                service.AddDatabase<EffectsDb>();
                service.AddMessaging(bus => bus.Publishes<Contracts.PaymentAdjusted>());
                service.AddOutbox<EffectsDb>();
            },
            Settings);
        await ExecuteAsync($$"""
            insert into outbox (message_type, body) values ('PaymentAdjusted',
                '{"orderId":"{{Guid.CreateVersion7()}}","amountPaid":1,"amountReturned":0,"disputeOpen":false,"revision":1}')
            """);

        await Eventually.Async(async () => await ScalarAsync("select coalesce(max(attempts), 0) from outbox") >= 2, "it was tried and put back");

        (await OutboxAsync()).ShouldBe(1);
    }

    private const string Queue = "billing.payment-completed";

    private Task InsertRowAsync(Guid order, Guid messageId)
    {
        var body = System.Text.Json.JsonSerializer.Serialize(EffectsService.Paid(order), Outbox.Json);
        return ExecuteAsync($"insert into outbox (message_id, message_type, body) values ('{messageId}', 'PaymentCompleted', '{body}')");
    }

    private Task<long> SeenAsync(Guid order) => ScalarAsync($"select coalesce(sum(seen), 0) from effects where id = '{order}'");

    private Task<long> OutboxAsync() => ScalarAsync("select count(*) from outbox");

    private async Task<long> ScalarAsync(string sql)
    {
        await using var command = _admin.CreateCommand(sql);
        return Convert.ToInt64(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = _admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
