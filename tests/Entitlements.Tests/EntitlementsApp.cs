using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using HomeStage.Contracts;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Testing;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace HomeStage.Entitlements.Tests;

/// <summary>The service as it runs, with a database, a virtual host and a clock of its own, and a bus that plays the other services.</summary>
public sealed class EntitlementsApp : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Dictionary<string, string> _settings;
    private readonly TestVirtualHost _virtualHost;
    private readonly TestIdentity _identity;
    private readonly IBusControl _others;
    private readonly HttpClient _http;
    private readonly HttpClient _support;

    private EntitlementsApp(
        WebApplication app,
        Dictionary<string, string> settings,
        TestDatabase database,
        TestVirtualHost virtualHost,
        TestIdentity identity,
        TestBilling billing,
        IBusControl others)
    {
        (_app, _settings, Database, _virtualHost, _identity, Billing, _others) = (app, settings, database, virtualHost, identity, billing, others);
        _http = new HttpClient { BaseAddress = new Uri(settings["HTTP_URL"]) };
        _support = new HttpClient { BaseAddress = new Uri(settings["SUPPORT_URL"]) };
        Admin = NpgsqlDataSource.Create(database.AdminConnection);
    }

    internal TestClock Clock => (TestClock)Services.GetRequiredService<TimeProvider>();

    internal TestDatabase Database { get; }

    /// <summary>The superuser's eyes; tests decide nothing with it.</summary>
    internal NpgsqlDataSource Admin { get; }

    internal IServiceProvider Services => _app.Services;

    internal Ledger Ledger => Services.GetRequiredService<Ledger>();

    internal ExpirySweep Sweep => Services.GetRequiredService<ExpirySweep>();

    internal TestBilling Billing { get; }

    internal IReadOnlyDictionary<string, string> Settings => _settings;

    internal TestVirtualHost VirtualHost => _virtualHost;

    /// <summary>Accounts that <c>CreditsChanged</c> was heard of, as often as it was.</summary>
    internal ConcurrentQueue<Guid> CreditsChanged { get; } = new();

    /// <summary>Every <c>AccountMerged</c> that was heard.</summary>
    internal ConcurrentQueue<AccountMerged> Merges { get; } = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    internal static async Task<EntitlementsApp> StartAsync(
        TestServers servers, TestDatabase? database = null, Dictionary<string, string>? settings = null)
    {
        database ??= await servers.CreateDatabaseAsync();
        var virtualHost = await servers.CreateVirtualHostAsync();
        var clock = new TestClock();
        var identity = new TestIdentity(clock, "gateway", "staging-api");
        var billing = await TestBilling.StartAsync();
        var all = new Dictionary<string, string>(settings ?? [], StringComparer.Ordinal)
        {
            ["HTTP_URL"] = $"http://127.0.0.1:{HomeStage.Tool.Servers.FreePorts.Next()}",
            ["MANAGEMENT_URL"] = $"http://127.0.0.1:{HomeStage.Tool.Servers.FreePorts.Next()}",
            ["DATABASE_CONNECTION"] = database.Connection,
            ["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection,
            ["MIGRATE_APP_ROLE"] = database.AppRole,
            ["RABBITMQ_URL"] = virtualHost.Url(EntitlementsService.Name),
            ["MIGRATE_RABBITMQ_URL"] = virtualHost.MigrateUrl,
            ["IDENTITY_CALLERS_DIR"] = identity.CallersFolder,
            ["IDENTITY_KEY"] = identity.OwnKey,
            ["BILLING_URL"] = billing.Url,
            ["REDIS_CONNECTION"] = servers.Redis.Connection,
            ["API_KEY_PEPPER"] = "7c1f0e9d8b5a4c36a2e9d4f1b0c7865e",
            ["SUPPORT_URL"] = $"http://127.0.0.1:{HomeStage.Tool.Servers.FreePorts.Next()}",
            ["SUPPORT_OPERATORS"] = TestOperators.Setting,
            ["SUPPORT_BROKER_URL"] = await SupportBroker.UrlAsync(servers.RabbitMq, virtualHost),
        };
        all.TryAdd("FREE_DAILY_BUDGET", "100000");
        // A busy machine is not a Redis that is away.
        all.TryAdd("REDIS_TIMEOUT_MS", "10000");
        all.TryAdd("Logging:LogLevel:Default", "Warning");
        await ServiceHost.MigrateAsync(EntitlementsService.Name, all, EntitlementsService.Compose, Cancel);

        EntitlementsApp? self = null;
        var others = MassTransit.Bus.Factory.CreateUsingRabbitMq(bus =>
        {
            bus.Host(new Uri(virtualHost.AdminUrl));
            bus.ReceiveEndpoint("others.credits-changed", endpoint => endpoint.Handler<CreditsChanged>(context =>
            {
                self!.CreditsChanged.Enqueue(context.Message.AccountId);
                return Task.CompletedTask;
            }));
            bus.ReceiveEndpoint("others.account-merged", endpoint => endpoint.Handler<AccountMerged>(context =>
            {
                self!.Merges.Enqueue(context.Message);
                return Task.CompletedTask;
            }));
        });
        var app = await ServiceHost.StartAsync(
            EntitlementsService.Name, all, EntitlementsService.Compose, services => services.AddSingleton<TimeProvider>(clock), Cancel);
        self = new EntitlementsApp(app, all, database, virtualHost, identity, billing, others);
        await others.StartAsync(Cancel);
        return self;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _support.Dispose();
        await _others.StopAsync(CancellationToken.None);
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
        await Admin.DisposeAsync();
        await _virtualHost.DisposeAsync();
        await Database.DisposeAsync();
        await Billing.DisposeAsync();
        _identity.Dispose();
    }

    /// <summary>A service's token, by the test's clock if no other is given.</summary>
    internal string ServiceToken(string service, TimeProvider? time = null) => _identity.ServiceToken(service, time);

    /// <summary>Leaves the work to another replica; what tests do to the database goes on.</summary>
    internal Task StopServingAsync() => _app.StopAsync(Cancel);

    /// <summary>Sends a request as a service, on behalf of nobody.</summary>
    internal Task<Answer> SendAsync(HttpMethod method, string path, string asService, object? body = null) =>
        RequestAsync(_http, method, path, _identity.ServiceToken(asService), body);

    /// <summary>Gets a path as a person or program behind the gateway.</summary>
    internal Task<Answer> GetAsync(string path, Guid account, string kind = "visitor", string? addressHash = null) =>
        RequestAsync(_http, HttpMethod.Get, path, _identity.GatewayToken(account, kind, addressHash));

    /// <summary>Sends a request as somebody with a session, or as a program if <paramref name="session"/> is null.</summary>
    internal Task<Answer> AsAsync(HttpMethod method, string path, Guid account, Guid? session, string kind = "member", object? body = null, string? key = null) =>
        RequestAsync(_http, method, path, _identity.GatewayToken(account, kind, addressHash: null, session), body, key);

    /// <summary>Sends a request to the support listener; <paramref name="token"/> is of somebody who may act, if not said, null for none.</summary>
    internal Task<Answer> SupportAsync(HttpMethod method, string path, object? body = null, string? key = null, string? token = TestOperators.Acting) =>
        RequestAsync(_support, method, path, token, body, key);

    /// <summary>A command of somebody who may act, with a key of its own.</summary>
    internal Task<Answer> CommandAsync(string path, object body, string? key = null) =>
        SupportAsync(HttpMethod.Post, path, body, key ?? Guid.NewGuid().ToString());

    /// <summary>What billing says of an order's money, without a message.</summary>
    internal async Task<AdjustmentAnswer> AdjustAsync(Guid order, long paid, long returned, long revision, bool dispute = false)
    {
        await using var db = await OpenAsync();
        return await Ledger.AdjustPaymentAsync(db, Adjustment(order, paid, returned, revision, dispute), Cancel);
    }

    internal static PaymentAdjusted Adjustment(Guid order, long paid, long returned, long revision, bool dispute = false) =>
        new() { OrderId = order, AmountPaid = paid, AmountReturned = returned, DisputeOpen = dispute, Revision = revision };

    /// <summary>The hash of some household's address, as the gateway makes it.</summary>
    internal static string Household() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    /// <summary>Merges as the gateway does at sign-in.</summary>
    internal Task<Answer> MergeAsync(Guid from, Guid into) => SendAsync(HttpMethod.Post, "/internal/accounts/merge", "gateway", new { from, into });

    /// <summary>Lets somebody sign in to an account.</summary>
    internal Task SignsInAsync(Guid account) => ExecuteAsync($"""
        insert into accounts (id, created_at) values ('{account}', now()) on conflict do nothing;
        insert into identities values ('https://issuer.test', '{account}', '{account}', now());
        """);

    /// <summary>The one grant of an order as the account sees it.</summary>
    internal async Task<JsonNode> GrantOfAsync(Guid account, Guid order) =>
        (await CreditsAsync(account))["grants"]!.AsArray().Single(grant => (Guid?)grant!["orderId"] == order)!;

    /// <summary>The id of the grant of an order.</summary>
    internal Task<Guid> GrantIdAsync(Guid order) => ScalarAsync<Guid>($"select id from grants where order_id = '{order}'");

    /// <summary>Asks for a hold as staging-api does.</summary>
    internal Task<Answer> HoldAsync(Guid job, HoldRequest request) => SendAsync(HttpMethod.Put, $"/internal/holds/{job}", "staging-api", request);

    /// <summary>A pack of credits that ends after some days, from an order of its own; takes no message.</summary>
    internal Task<Guid> GrantAsync(Guid account, int credits, double days = 365) => GrantAsync(account, Guid.CreateVersion7(), credits, days);

    /// <inheritdoc cref="GrantAsync(Guid, int, double)"/>
    internal async Task<Guid> GrantAsync(Guid account, Guid order, int credits, double days)
    {
        await using var db = await OpenAsync();
        await db.Database.ExecuteSqlAsync(
            $"""
            select * from apply_payment({Guid.CreateVersion7()}, {account}, {order}, 'value', {credits}, {Clock.Now.AddDays(days)}, {Clock.Now}, null)
            """,
            Cancel);
        return order;
    }

    /// <summary>Settles without a message.</summary>
    internal async Task<SettlementAnswer> SettleAsync(Guid account, Guid job, int creditsUsed, string outcome = "succeeded")
    {
        await using var db = await OpenAsync();
        return await Ledger.SettleHoldAsync(db, Settlement(account, job, creditsUsed, outcome), Cancel);
    }

    /// <summary>Publishes as the rest of the system would.</summary>
    internal Task PublishAsync<TMessage>(TMessage message, Guid? messageId = null)
        where TMessage : class =>
        _others.Publish(message, context => context.MessageId = messageId ?? context.MessageId, Cancel);

    internal static PaymentCompleted Payment(Guid account, Guid order, DateTimeOffset paidAt, int credits = 20) => new()
    {
        OrderId = order,
        AccountId = account,
        Plan = "value",
        Credits = credits,
        ValidForDays = 365,
        PaidAt = paidAt,
        Amount = 2500,
        Currency = "usd",
    };

    internal static StagingSettled Settlement(Guid account, Guid job, int creditsUsed, string outcome = "succeeded") =>
        new() { AccountId = account, JobId = job, CreditsUsed = creditsUsed, Outcome = outcome };

    internal static HoldRequest Hold(Guid account, int credits = 1, int? variations = null, string quality = "standard", string? addressHash = null) =>
        new() { AccountId = account, Credits = credits, Variations = variations ?? credits, Quality = quality, AddressHash = addressHash };

    internal async Task<EntitlementsDb> OpenAsync() =>
        await Services.GetRequiredService<IDbContextFactory<EntitlementsDb>>().CreateDbContextAsync(Cancel);

    internal async Task<JsonNode> CreditsAsync(Guid account, string? addressHash = null) =>
        (await GetAsync("/api/v1/credits", account, addressHash: addressHash)).Ok();

    internal async Task<int> AvailableAsync(Guid account) => (int)(await CreditsAsync(account))["available"]!;

    /// <summary>The kinds and amounts of an account's entries, oldest first: <c>grant 20, hold -1</c>.</summary>
    internal async Task<string> EntriesAsync(Guid account)
    {
        var entries = (await GetAsync("/api/v1/credits/entries?limit=100", account)).Ok()["items"]!.AsArray();
        return string.Join(", ", entries.Reverse().Select(entry => $"{entry!["kind"]} {((int)entry["amount"]! == 0 ? entry["quantity"] : entry["amount"])}"));
    }

    /// <summary>What is not as it must always be.</summary>
    internal async Task<IReadOnlyList<string>> ViolationsAsync()
    {
        await using var db = await OpenAsync();
        return await db.Database.SqlQuery<string>($"select concat_ws(': ', rule, subject, found) as \"Value\" from ledger_violations()").ToListAsync(Cancel);
    }

    /// <summary>One value, by the superuser.</summary>
    internal async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancel))!;
    }

    /// <summary>Sweeps until nothing that is over is left: one sweep skips what the service's own is at.</summary>
    internal Task SweepAsync() => Eventually.Async(
        async () =>
        {
            await Sweep.SweepAsync(Cancel);
            return await ScalarAsync<long>($"select count(*) from grants where remaining > 0 and frozen_at is null and usable_until <= '{Clock.Now:O}'") == 0;
        },
        "all that is over has expired");

    /// <summary>Runs a statement, by the superuser.</summary>
    internal async Task ExecuteAsync(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    internal Task<IReadOnlyList<string>> DeadLettersAsync(string queue) => _virtualHost.TakeAsync(queue + "_error");

    private static async Task<Answer> RequestAsync(HttpClient http, HttpMethod method, string path, string? token, object? body = null, string? key = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        if (body is not null)
            request.Content = JsonContent.Create(body);
        using var response = await http.SendAsync(request, Cancel);
        var text = await response.Content.ReadAsStringAsync(Cancel);
        return new Answer((int)response.StatusCode, text.Length == 0 ? null : JsonNode.Parse(text));
    }
}

/// <summary>What the service answered.</summary>
internal sealed record Answer(int Status, JsonNode? Body)
{
    internal string? Code => (string?)Body?["code"];

    internal JsonNode Ok() => Status == 200 ? Body! : throw new InvalidOperationException($"The answer was {Status}: {Body}");
}
