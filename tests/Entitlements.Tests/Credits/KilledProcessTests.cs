using System.Net.Http.Json;
using System.Text.Json;
using HomeStage.Contracts;
using HomeStage.Testing;
using RabbitMQ.Client;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

/// <summary>
/// The service as a process of its own is killed at every statement of a grant, a refund, a hold and a settlement, and at every step of the
/// resending of dead letters. The broker delivers again, staging-api and support ask again, and the end is the same as if nothing had happened.
/// </summary>
public sealed class KilledProcessTests(KilledProcessTests.Scene scene) : IClassFixture<KilledProcessTests.Scene>
{
    private const string Settlements = "entitlements.staging-settled";
    private readonly EntitlementsApp _app = scene.App;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(KillMoment.BeforeAnswer)]
    [InlineData(KillMoment.AfterAnswer)]
    public async Task A_grant_is_made_once_wherever_the_process_dies(KillMoment moment) =>
        // Noted as received, granted, committed; and what the broker delivers a second time, where the first was committed.
        (await KillAtEachStatementAsync(moment, "insert into inbox", "grant 20", (account, _, again) =>
            again ? Task.CompletedTask : _app.PublishAsync(Payment(account, Guid.CreateVersion7(), TimeProvider.System.GetUtcNow())))).ShouldBeGreaterThanOrEqualTo(3);

    [Theory]
    [InlineData(KillMoment.BeforeAnswer)]
    [InlineData(KillMoment.AfterAnswer)]
    public async Task A_hold_is_taken_once_wherever_the_process_dies(KillMoment moment) =>
        (await KillAtEachStatementAsync(moment, "take_hold", "grant 9, hold -3", async (account, job, again) =>
        {
            if (!again)
                await _app.GrantAsync(account, 9);
            (await scene.SendAsync(HttpMethod.Put, "HTTP_URL", $"/internal/holds/{job}", _app.ServiceToken("staging-api", TimeProvider.System), Hold(account, 3))).ShouldBe(200);
        })).ShouldBe(1);

    [Theory]
    [InlineData(KillMoment.BeforeAnswer)]
    [InlineData(KillMoment.AfterAnswer)]
    public async Task A_hold_is_captured_once_wherever_the_process_dies(KillMoment moment) =>
        (await KillAtEachStatementAsync(moment, "insert into inbox", "grant 9, hold -3, capture 2, release 1", async (account, job, again) =>
        {
            if (again)
                return;
            await HoldAsync(account, job);
            await _app.PublishAsync(Settlement(account, job, creditsUsed: 2));
        })).ShouldBeGreaterThanOrEqualTo(3);

    [Fact]
    public async Task What_a_refund_takes_is_taken_once_wherever_the_process_dies() =>
        // Its consumer is like those before, where both moments are tried.
        (await KillAtEachStatementAsync(KillMoment.BeforeAnswer, "insert into inbox", "grant 9, revoke -3", async (account, order, again) =>
        {
            if (again)
                return;
            await _app.GrantAsync(account, order, 9, days: 365);
            await _app.PublishAsync(Adjustment(order, paid: 900, returned: 300, revision: 1));
        })).ShouldBeGreaterThanOrEqualTo(3);

    [Fact]
    public async Task A_dead_letter_takes_effect_once_wherever_the_process_that_resends_it_dies()
    {
        // The line in the audit; then the letter asked for, got, published, confirmed, acknowledged.
        (await KillAtEachStepAsync(
            (step, kill) => scene.Database.Arm(step, KillMoment.BeforeAnswer, sql => sql.Contains("support_audit", StringComparison.Ordinal), kill),
            scene.Database.Disarm, "grant 9, hold -3, capture 2, release 1", ResendAsync)).ShouldBe(1);
        (await KillAtEachStepAsync(scene.Broker.Arm, scene.Broker.Disarm, "grant 9, hold -3, capture 2, release 1", ResendAsync)).ShouldBe(5);

        (await _app.DeadLettersAsync(Settlements)).ShouldBeEmpty();
        (await _app.ScalarAsync<long>($"select count(*) from support_audit where action = 'resend' and subject = '{Settlements}'"))
            .ShouldBe(14, "each time that somebody asked for it, also those in which the process died");
    }

    private Task<int> KillAtEachStatementAsync(KillMoment moment, string begins, string end, Func<Guid, Guid, bool, Task> ask) => KillAtEachStepAsync(
        (step, kill) => scene.Database.Arm(step, moment, sql => sql.Contains(begins, StringComparison.Ordinal), kill), scene.Database.Disarm, end, ask);

    /// <summary>
    /// Does something for a new account each time, with the process killed at the first step of it, the second, … until none is left.
    /// Returns how many there were.
    /// </summary>
    private async Task<int> KillAtEachStepAsync(Action<int, Func<Task>> arm, Func<bool> disarm, string end, Func<Guid, Guid, bool, Task> ask)
    {
        for (var step = 1; ; step++)
        {
            var (account, subject) = (Guid.CreateVersion7(), Guid.CreateVersion7());
            var process = await scene.RunningAsync();
            arm(step, process.KillAsync);
            try
            {
                await ask(account, subject, false);
            }
            catch (HttpRequestException)
            {
                // It was killed before it answered.
            }

            await Eventually.Async(async () => process.Exited.IsCompleted || await EntriesAsync(account) == end, "it is dead or done");
            if (disarm())
            {
                (await _app.ViolationsAsync()).ShouldBeEmpty();
                return step - 1;
            }

            await process.Exited.WaitAsync(Cancel);
            await scene.RunningAsync();
            await ask(account, subject, true);
            await Eventually.Async(async () => await EntriesAsync(account) == end, $"the ledger says {end}, killed at step {step}");
        }
    }

    private async Task HoldAsync(Guid account, Guid job)
    {
        await _app.GrantAsync(account, 9);
        (await _app.Ledger.TakeHoldAsync(job, Hold(account, 3), Cancel)).Result.ShouldBe("taken");
    }

    private async Task ResendAsync(Guid account, Guid job, bool again)
    {
        if (!again)
        {
            await HoldAsync(account, job);
            await GiveUpAsync(Settlement(account, job, creditsUsed: 2));
        }

        (await scene.SendAsync(
            HttpMethod.Post, "SUPPORT_URL", $"/support/dead-letters/{Settlements}/resend", TestOperators.Acting, new { reason = "the cause is mended" })).ShouldBe(200);
    }

    /// <summary>Puts a message where its consumer's failures go, in the envelope that all messages have.</summary>
    private async Task GiveUpAsync(StagingSettled message)
    {
        var envelope = new { messageId = Guid.NewGuid(), messageType = (string[])["urn:message:HomeStage.Contracts:StagingSettled"], message };
        await using var connection = await new ConnectionFactory { Uri = new Uri(_app.VirtualHost.AdminUrl) }.CreateConnectionAsync(Cancel);
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), Cancel);
        await channel.BasicPublishAsync(
            "", Settlements + "_error", mandatory: true,
            new BasicProperties { ContentType = "application/vnd.masstransit+json", MessageId = envelope.messageId.ToString(), Persistent = true },
            JsonSerializer.SerializeToUtf8Bytes(envelope, JsonSerializerOptions.Web), Cancel);
    }

    private Task<string> EntriesAsync(Guid account) => _app.ScalarAsync<string>($"""
        select coalesce(string_agg(kind || ' ' || case amount when 0 then quantity else amount end, ', ' order by number), '')
        from ledger_entries where account_id = '{account}'
        """);

    /// <summary>The service's process behind taps: the one that lives, or a new one; and an app that only looks at its database.</summary>
    public sealed class Scene(TestServers servers) : IAsyncLifetime
    {
        private EntitlementsApp? _app;
        private Dictionary<string, string> _settings = [];
        private ServiceProcess? _process;

        internal EntitlementsApp App => _app!;

        internal PostgresTap Database { get; private set; } = null!;

        /// <summary>Only support's own connection goes through it.</summary>
        internal BrokerTap Broker { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            (Database, Broker) = (PostgresTap.Start(servers.Postgres), BrokerTap.Start(servers.RabbitMq));
            _app = await StartAsync(servers);
            await _app.StopServingAsync();
            _settings = new(_app.Settings, StringComparer.Ordinal)
            {
                ["DATABASE_CONNECTION"] = Database.Through(_app.Database.Connection),
                ["SUPPORT_BROKER_URL"] = Broker.Through(_app.Settings["SUPPORT_BROKER_URL"]),
            };
        }

        public async ValueTask DisposeAsync()
        {
            if (_process is not null)
                await _process.DisposeAsync();
            await Database.DisposeAsync();
            await Broker.DisposeAsync();
            if (_app is not null)
                await _app.DisposeAsync();
        }

        internal async Task<ServiceProcess> RunningAsync()
        {
            if (_process is { Exited.IsCompleted: false } living)
                return living;
            if (_process is not null)
                await _process.DisposeAsync();
            _process = await ServiceProcess.StartAsync(EntitlementsService.Name, _settings);
            await _process.UntilReadyAsync(_settings["MANAGEMENT_URL"]);
            return _process;
        }

        /// <summary>Asks the process and gives the status.</summary>
        /// <exception cref="HttpRequestException">It died before it answered.</exception>
        internal async Task<int> SendAsync(HttpMethod method, string listener, string path, string token, object body)
        {
            using var http = new HttpClient { BaseAddress = new Uri(_settings[listener]) };
            using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
            request.Headers.Authorization = new("Bearer", token);
            using var answer = await http.SendAsync(request, Cancel);
            return (int)answer.StatusCode;
        }
    }
}
