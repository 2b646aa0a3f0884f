using HomeStage.Entitlements.Support;
using HomeStage.Testing;
using RabbitMQ.Client;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Support;

public sealed class DeadLettersTests(EntitlementsFixture fixture, TestServers servers) : IClassFixture<EntitlementsFixture>
{
    private const string Settlements = "entitlements.staging-settled";
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_was_given_up_is_counted_and_takes_effect_once_it_is_sent_on_its_way_again()
    {
        var job = Guid.CreateVersion7();
        await _app.GrantAsync(_account, 5);
        await _app.HoldAsync(job, Hold(_account));
        var counted = await CountAsync();
        // Two credits of a hold of one: nobody can apply that, until the hold is what it should have been.
        await _app.PublishAsync(Settlement(_account, job, creditsUsed: 2));
        await Eventually.Async(async () => await CountAsync() == counted + 1, "it is counted among the dead letters");
        await _app.ExecuteAsync($"""
            update holds set price = 2, credits = 2 where job_id = '{job}'; update hold_allocations set credits = 2 where job_id = '{job}';
            update grants set remaining = 3, held = 2 where account_id = '{_account}';
            """);

        var answer = (await ResendAsync(Settlements, max: 10)).Ok();

        ((long)answer["moved"]!, (long)answer["left"]!).ShouldBe((counted + 1, 0L));
        await Eventually.Async(async () => await _app.EntriesAsync(_account) == "grant 5, hold -1, capture 2", "it took effect");
        (await _app.ScalarAsync<string>($"select actor || ' ' || (arguments ->> 'max') from support_audit where subject = '{Settlements}' order by number desc limit 1"))
            .ShouldBe("desk-1 10");
    }

    [Fact]
    public async Task What_moves_has_no_traces_of_its_failure_and_never_more_than_asked_for_moves()
    {
        const string queue = "staging-worker.stage-room";
        await DeclareAsync(queue);
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        var properties = new BasicProperties
        {
            MessageId = "m-1",
            ContentType = "application/vnd.masstransit+json",
            Headers = new Dictionary<string, object?> { ["MT-Fault-Message"] = "failed", ["MT-Reason"] = "fault", ["x-delivery-count"] = 3L, ["traceparent"] = "00-1" },
        };
        foreach (var body in (byte[])[1, 2, 3])
            await channel.BasicPublishAsync("", queue + "_error", mandatory: true, properties, new[] { body }, Cancel);
        await Eventually.Async(async () => await _app.VirtualHost.MessagesAsync(queue + "_error") == 3, "all are there");

        (await ResendAsync(queue, max: 2)).Ok().ToJsonString().ShouldBe($$"""{"queue":"{{queue}}","moved":2,"left":1}""");

        foreach (var body in (byte[])[1, 2])
        {
            var moved = (await channel.BasicGetAsync(queue, autoAck: true, Cancel)).ShouldNotBeNull();
            moved.Body.ToArray().ShouldBe([body]);
            (moved.BasicProperties.MessageId, moved.BasicProperties.ContentType).ShouldBe(("m-1", "application/vnd.masstransit+json"));
            moved.BasicProperties.Headers!.Keys.ShouldBe(["traceparent", "x-dotnet-pub-seq-no"], ignoreOrder: true);
        }

        (await channel.BasicGetAsync(queue, autoAck: true, Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task A_message_whose_queue_does_not_take_it_stays_where_it_is()
    {
        const string queue = "staging-api.room-staged";
        await DeclareAsync(queue + "_error");
        await using var connection = await ConnectAsync();
        await using (var channel = await connection.CreateChannelAsync(cancellationToken: Cancel))
            await channel.BasicPublishAsync("", queue + "_error", mandatory: true, body: new byte[] { 1 }, cancellationToken: Cancel);
        await Eventually.Async(async () => await _app.VirtualHost.MessagesAsync(queue + "_error") == 1, "it is there");

        (await ResendAsync(queue, max: 1)).Status.ShouldBe(409);

        await Eventually.Async(async () => await _app.VirtualHost.MessagesAsync(queue + "_error") == 1, "it is back");
    }

    [Fact]
    public async Task A_queue_that_does_not_exist_is_not_found()
    {
        (await ResendAsync("entitlements.nothing", max: 1)).Status.ShouldBe(404);
        (await ResendAsync(Settlements, max: 0)).Code.ShouldBe("validation_failed");
    }

    [Fact]
    public async Task The_list_of_queues_is_that_of_the_topology_which_the_services_declare()
    {
        await using var virtualHost = await servers.CreateVirtualHostAsync();
        await Task.WhenAll(((string[])["billing", EntitlementsService.Name, "staging-api", "staging-worker"]).Select(program => MigrateAsync(program, virtualHost)));

        (await virtualHost.QueuesAsync()).Where(queue => queue.EndsWith("_error", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
            .ShouldBe(DeadLetters.Queues.Select(queue => queue + "_error"));
    }

    private async Task MigrateAsync(string program, TestVirtualHost virtualHost)
    {
        await using var database = await servers.CreateDatabaseAsync();
        var (code, output) = await ServiceProcess.RunAsync(program, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["MIGRATE_RABBITMQ_URL"] = virtualHost.MigrateUrl,
            ["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection,
            ["MIGRATE_APP_ROLE"] = database.AppRole,
        }, "migrate");
        code.ShouldBe(0, output);
    }

    private Task<Answer> ResendAsync(string queue, int max) => _app.CommandAsync($"/support/dead-letters/{queue}/resend", new { reason = "the cause is mended", max });

    private async Task<long> CountAsync() =>
        (long)(await _app.SupportAsync(HttpMethod.Get, "/support/dead-letters", token: TestOperators.Reading)).Ok()["queues"]!.AsArray()
            .Single(queue => (string)queue!["queue"]! == Settlements)!["messages"]!;

    private async Task DeclareAsync(string queue)
    {
        await using var connection = await ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(cancellationToken: Cancel);
        foreach (var name in queue.EndsWith("_error", StringComparison.Ordinal) ? (string[])[queue] : [queue, queue + "_error"])
            await channel.QueueDeclareAsync(name, durable: true, exclusive: false, autoDelete: false, cancellationToken: Cancel);
    }

    private Task<IConnection> ConnectAsync() => new ConnectionFactory { Uri = new Uri(_app.VirtualHost.AdminUrl) }.CreateConnectionAsync(Cancel);
}
