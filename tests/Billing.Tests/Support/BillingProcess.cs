using System.Text;
using System.Text.Json.Nodes;
using HomeStage.Hosting;
using HomeStage.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace HomeStage.Billing.Tests.Support;

/// <summary>Billing as a process of its own behind a tap, to be killed at a statement and started again; Stripe is a listener of the test.</summary>
internal sealed class BillingProcess : IAsyncDisposable
{
    private readonly Dictionary<string, string> _settings;
    private readonly TestDatabase _database;
    private readonly TestVirtualHost _broker;
    private readonly TemporaryFolder _folder;
    private readonly TestCallers _callers;
    private readonly WebApplication _stripe;
    private readonly NpgsqlDataSource _admin;
    private readonly HttpClient _http;
    private ServiceProcess? _process;

    private BillingProcess(
        Dictionary<string, string> settings, TestDatabase database, TestVirtualHost broker, TemporaryFolder folder, TestCallers callers, PostgresTap tap, WebApplication stripe)
    {
        (_settings, _database, _broker, _folder, _callers, Tap, _stripe) = (settings, database, broker, folder, callers, tap, stripe);
        _admin = NpgsqlDataSource.Create(database.AdminConnection);
        _http = new HttpClient { BaseAddress = new Uri(settings["HTTP_URL"]) };
    }

    public PostgresTap Tap { get; }

    public FakeStripeAccount Account { get; private init; } = new();

    public static async Task<BillingProcess> StartAsync(TestServers servers)
    {
        var (database, broker) = (await servers.CreateDatabaseAsync(), await servers.CreateVirtualHostAsync());
        var (folder, tap, account) = (new TemporaryFolder(), PostgresTap.Start(servers.Postgres), new FakeStripeAccount());
        var callers = new TestCallers(folder);
        var settings = BillingApp.SettingsOf(folder);
        var stripe = await ListenAsStripeAsync(account);
        settings["STRIPE_API_URL"] = stripe.Urls.Single();
        settings["DATABASE_CONNECTION"] = tap.Through(database.Connection);
        settings["RABBITMQ_URL"] = broker.Url("billing");
        await ServiceHost.MigrateAsync(
            "billing",
            new Dictionary<string, string>(settings)
            {
                ["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection,
                ["MIGRATE_APP_ROLE"] = database.AppRole,
                ["MIGRATE_RABBITMQ_URL"] = broker.MigrateUrl,
            },
            BillingService.Compose,
            TestContext.Current.CancellationToken);
        var process = new BillingProcess(settings, database, broker, folder, callers, tap, stripe) { Account = account };
        // Messages stay where they can be counted.
        await process.ExecuteAsync("alter table outbox alter column available_at set default 'infinity'");
        await process.RestartAsync();
        return process;
    }

    /// <summary>Starts the process again after its end.</summary>
    public async Task RestartAsync()
    {
        if (_process is not null)
            await _process.DisposeAsync();
        _process = await ServiceProcess.StartAsync("billing", _settings);
        await _process.UntilReadyAsync(_settings["MANAGEMENT_URL"]);
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Whether the process has ended.</summary>
    public bool Dead => _process!.Exited.IsCompleted;

    public Task<int> EndAsync() => _process!.Exited.WaitAsync(TestContext.Current.CancellationToken);

    /// <summary>Delivers an event; null if the process died instead of answering.</summary>
    public async Task<int?> DeliverAsync(JsonObject happened)
    {
        var payload = Encoding.UTF8.GetBytes(happened.ToJsonString());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new ByteArrayContent(payload) };
        request.Headers.Authorization = new("Bearer", _callers.Token("gateway", Guid.Empty, "anonymous", DateTimeOffset.UtcNow));
        request.Headers.TryAddWithoutValidation("Stripe-Signature", BillingApp.Sign(payload, BillingApp.WebhookSecret, DateTimeOffset.UtcNow));
        try
        {
            using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>An order that waits for its payment.</summary>
    public async Task<PlacedOrder> PlaceAsync()
    {
        var id = Guid.CreateVersion7();
        await ExecuteAsync(
            "insert into orders (id, account_id, plan, plan_name, credits, duration_days, amount, currency, created_at) values ($1, $1, 'value', 'Value', 20, 365, 2500, 'usd', now())", id);
        return new PlacedOrder(id, id, "cs_test_" + id.ToString("N"));
    }

    /// <summary>Lets the lease of a dead process on a waiting event end now rather than in ten seconds.</summary>
    public Task EndLeasesAsync() => ExecuteAsync("update stripe_events set due_at = now() where state = 'waiting'");

    public async Task<string> TextAsync(string sql, object value)
    {
        await using var command = _admin.CreateCommand(sql);
        command.Parameters.Add(new() { Value = value });
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_process is not null)
            await _process.DisposeAsync();
        await Tap.DisposeAsync();
        await _stripe.DisposeAsync();
        await _admin.DisposeAsync();
        await _database.DisposeAsync();
        await _broker.DisposeAsync();
        _callers.Dispose();
        _folder.Dispose();
    }

    private async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = _admin.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<WebApplication> ListenAsStripeAsync(FakeStripeAccount account)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/{**path}", (HttpRequest request) =>
        {
            var query = QueryHelpers.ParseQuery(request.QueryString.Value).ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal);
            return account.Read(request.Path, query) is { } answer ? Results.Content(answer.ToJsonString(), "application/json") : Results.NotFound();
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
