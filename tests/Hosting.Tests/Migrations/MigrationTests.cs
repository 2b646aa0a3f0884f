using System.Net;
using HomeStage.Hosting.Migrations;
using HomeStage.Hosting.Tests.Messaging;
using HomeStage.Testing;
using Npgsql;

namespace HomeStage.Hosting.Tests.Migrations;

public sealed class MigrationTests(TestServers servers)
{
    [Fact]
    public async Task Migrating_twice_and_at_once_applies_each_file_once()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var owner = NpgsqlDataSource.Create(database.DdlConnection);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Runner().ApplyAsync(owner, database.AppRole, TestContext.Current.CancellationToken)));
        await Runner().ApplyAsync(owner, database.AppRole, TestContext.Current.CancellationToken);

        (await NumbersAsync(database)).ShouldBe([1, 10]);
    }

    [Fact]
    public async Task A_file_that_was_changed_after_it_was_applied_stops_the_migration_and_is_named()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var owner = NpgsqlDataSource.Create(database.DdlConnection);
        await Runner().ApplyAsync(owner, database.AppRole, TestContext.Current.CancellationToken);
        await using (var tamper = owner.CreateCommand("update schema_migrations set checksum = 'other' where number = 10"))
            await tamper.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var error = await Should.ThrowAsync<MigrationException>(() => Runner().ApplyAsync(owner, database.AppRole, TestContext.Current.CancellationToken));

        error.Message.ShouldContain("0010_effects");
    }

    [Fact]
    public async Task A_service_is_not_ready_until_its_schema_is_there()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var broker = await servers.CreateVirtualHostAsync();
        var settings = EffectsService.Settings(database, broker);
        await using var host = await TestHost.StartAsync(service => service.AddDatabase<EffectsDb>(), settings);

        (await host.Management.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        await ServiceHost.MigrateAsync("billing", settings, EffectsService.Compose, TestContext.Current.CancellationToken);
        (await host.Management.GetAsync("/health/ready", TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task The_role_that_a_service_runs_as_cannot_change_the_schema()
    {
        await using var database = await servers.CreateDatabaseAsync();
        await using var owner = NpgsqlDataSource.Create(database.DdlConnection);
        await Runner().ApplyAsync(owner, database.AppRole, TestContext.Current.CancellationToken);
        await using var app = NpgsqlDataSource.Create(database.Connection);

        foreach (var statement in (string[])["create table mine (id int)", "drop table outbox", "alter table outbox add column x int"])
        {
            await using var command = app.CreateCommand(statement);
            (await Should.ThrowAsync<PostgresException>(() => command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken))).SqlState.ShouldBe("42501");
        }
    }

    private static MigrationRunner Runner() => new(typeof(ServiceHost).Assembly, typeof(EffectsDb).Assembly);

    private static async Task<List<int>> NumbersAsync(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.AdminConnection);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("select number from schema_migrations order by number", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var numbers = new List<int>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            numbers.Add(reader.GetInt32(0));
        return numbers;
    }
}
