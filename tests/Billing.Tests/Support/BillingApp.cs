using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Billing.Orders;
using HomeStage.Billing.Plans;
using HomeStage.Billing.Stripe;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.AspNetCore.Builder;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using RabbitMQ.Client;

namespace HomeStage.Billing.Tests.Support;

/// <summary>Billing on real listeners with a database and a virtual host of its own, and the test in the gateway's and Stripe's place.</summary>
internal sealed class BillingApp : IAsyncDisposable
{
    public const string SecretKey = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";
    public const string WebhookSecret = "whsec_Zm9ydHlUd29Jc1RoZUFuc3dlcg";
    public const string OlderWebhookSecret = "whsec_dGhlT25lQmVmb3JlVGhhdE9uZQ";
    public const string RestoreCodeKey = "dGhpcyBpcyBub3QgYSBrZXkgb2YgYW55Ym9keQ";
    private const string MessagesQueue = "test.messages";

    private readonly WebApplication _app;
    private readonly TestDatabase _database;
    private readonly TestVirtualHost _broker;
    private readonly TemporaryFolder _folder;
    private readonly TestCallers _callers;
    private readonly HttpClient _http;
    private readonly ConcurrentQueue<JsonNode> _messages = [];

    private BillingApp(
        WebApplication app, TestDatabase database, TestVirtualHost broker, TemporaryFolder folder, TestCallers callers, Uri address, FakeStripe stripe, ShiftedTime time)
    {
        (_app, _database, _broker, _folder, _callers, Stripe, Time) = (app, database, broker, folder, callers, stripe, time);
        _http = new HttpClient(new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) }) { BaseAddress = address };
        Admin = NpgsqlDataSource.Create(database.AdminConnection);
    }

    public FakeStripe Stripe { get; }

    public ShiftedTime Time { get; }

    public CapturedLogs Logs { get; private init; } = new();

    public CrashPoint Crash { get; private init; } = new();

    public NpgsqlDataSource Admin { get; }

    /// <summary>The connection that the service itself has.</summary>
    public string Connection => _database.Connection;

    /// <summary>Publishes as the rest of the system does.</summary>
    public string BrokerAdminUrl => _broker.AdminUrl;

    public IServiceProvider Services => _app.Services;

    public T Get<T>()
        where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Migrates and starts; <see cref="FakeStripe"/> stands in for Stripe unless the settings say where that is.</summary>
    public static async Task<BillingApp> StartAsync(
        TestServers servers, IReadOnlyDictionary<string, string>? settings = null, Action<IServiceCollection>? replace = null)
    {
        var (database, broker) = (await servers.CreateDatabaseAsync(), await servers.CreateVirtualHostAsync());
        var folder = new TemporaryFolder();
        var callers = new TestCallers(folder);
        var all = SettingsOf(folder);
        all["DATABASE_CONNECTION"] = database.Connection;
        all["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection;
        all["MIGRATE_APP_ROLE"] = database.AppRole;
        all["RABBITMQ_URL"] = broker.Url("billing");
        all["MIGRATE_RABBITMQ_URL"] = broker.MigrateUrl;
        foreach (var (name, value) in settings ?? new Dictionary<string, string>())
            all[name] = value;
        await ServiceHost.MigrateAsync("billing", all, BillingService.Compose, TestContext.Current.CancellationToken);
        await BindMessagesAsync(broker.AdminUrl);

        var (stripe, time, logs, crash) = (new FakeStripe(), new ShiftedTime(), new CapturedLogs(), new CrashPoint());
        var app = await ServiceHost.StartAsync("billing", all, BillingService.Compose, services =>
        {
            services.AddSingleton<TimeProvider>(time);
            services.AddSingleton<Microsoft.Extensions.Logging.ILoggerProvider>(logs);
            if (settings?.ContainsKey("STRIPE_API_URL") is not true)
                services.AddHttpClient(nameof(IStripe)).ConfigurePrimaryHttpMessageHandler(() => stripe);
            services.ConfigureDbContext<BillingDb>(options => options.AddInterceptors(crash.Interceptors));
            replace?.Invoke(services);
        }, TestContext.Current.CancellationToken);
        return new BillingApp(app, database, broker, folder, callers, new Uri(all["HTTP_URL"]), stripe, time) { Logs = logs, Crash = crash };
    }

    /// <summary>Settings that are right but for the servers.</summary>
    public static Dictionary<string, string> SettingsOf(TemporaryFolder callers) => new(StringComparer.Ordinal)
    {
        ["HTTP_URL"] = $"http://127.0.0.1:{FreePorts.Next()}",
        ["MANAGEMENT_URL"] = $"http://127.0.0.1:{FreePorts.Next()}",
        ["IDENTITY_CALLERS_DIR"] = callers.FullPath,
        ["DATABASE_CONNECTION"] = "Host=127.0.0.1;Port=1;Username=none;Database=none",
        ["RABBITMQ_URL"] = "amqp://127.0.0.1:1/none",
        ["PUBLIC_URL"] = "http://localhost:8080",
        ["STRIPE_SECRET_KEY"] = SecretKey,
        ["STRIPE_API_URL"] = "https://stripe.test",
        ["STRIPE_WEBHOOK_SECRET"] = $"{WebhookSecret},{OlderWebhookSecret}",
        ["RESTORE_CODE_KEY"] = RestoreCodeKey,
        // Tests run it themselves.
        ["RECONCILE_SECONDS"] = "86400",
    };

    /// <summary>Sends a request as the gateway does for somebody; nobody in particular if no account is named.</summary>
    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, Guid account = default, string kind = "visitor", HttpContent? content = null, string? idempotencyKey = null, string issuer = "gateway")
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new("Bearer", _callers.Token(issuer, account, account == default && kind == "visitor" ? "anonymous" : kind, Time.GetUtcNow()));
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public Task<HttpResponseMessage> CheckOutAsync(Guid account, string plan = "value", string? idempotencyKey = null, string kind = "visitor") =>
        SendAsync(HttpMethod.Post, "/api/v1/checkout", account, kind, JsonContent.Create(new { plan }), idempotencyKey);

    /// <summary>Asks on behalf of entitlements.</summary>
    public async Task<JsonNode?> SupportAsync(HttpMethod method, string path, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await SendAsync(method, $"/internal/support/{path}", kind: "service", issuer: "entitlements");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        answer.StatusCode.ShouldBe(status, text);
        return JsonNode.Parse(text);
    }

    /// <summary>An order that can be paid; a new account's unless one is named.</summary>
    public async Task<PlacedOrder> PlaceOrderAsync(string plan = "value", Guid? owner = null)
    {
        var account = owner ?? Guid.CreateVersion7();
        using var answer = await CheckOutAsync(account, plan);
        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        var body = await BodyAsync(answer);
        var url = (string)body["url"]!;
        return new PlacedOrder((Guid)body["orderId"]!, account, url[(url.LastIndexOf('/') + 1)..]);
    }

    /// <summary>An order that was paid, with its payment at <see cref="FakeStripe"/>.</summary>
    public async Task<PlacedOrder> PayOrderAsync(bool named = true)
    {
        var order = await PlaceOrderAsync();
        Stripe.Account.Pay(order, named);
        await DeliverOkAsync(Fixture.Event("checkout.session.completed", Fixture.Session(order.Id, order.SessionId)));
        return order;
    }

    public async Task<JsonObject> OrderAsync(PlacedOrder order)
    {
        using var answer = await SendAsync(HttpMethod.Get, $"/api/v1/orders/{order.Id}", order.AccountId);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
        return await BodyAsync(answer);
    }

    public async Task<string> StatusAsync(PlacedOrder order) => (string)(await OrderAsync(order))["status"]!;

    /// <summary>An order that was not placed yet; <see cref="PlaceLateAsync"/> places it.</summary>
    public Order LateOrder() =>
        Order.Place(Guid.CreateVersion7(), Services.GetRequiredService<PlanCatalog>().Find("value")!, Time.GetUtcNow());

    public async Task PlaceLateAsync(Order order)
    {
        await using var db = await Services.GetRequiredService<IDbContextFactory<BillingDb>>().CreateDbContextAsync(TestContext.Current.CancellationToken);
        db.Orders.Add(order);
        await db.SaveChangesAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Delivers an event, signed at the given time.</summary>
    public Task<HttpResponseMessage> DeliverAsync(JsonObject happened, string secret = WebhookSecret, DateTimeOffset? signedAt = null) =>
        DeliverAsync(Encoding.UTF8.GetBytes(happened.ToJsonString()), secret, signedAt);

    public async Task<HttpResponseMessage> DeliverAsync(byte[] payload, string secret = WebhookSecret, DateTimeOffset? signedAt = null, string? signature = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/stripe") { Content = new ByteArrayContent(payload) };
        request.Headers.Authorization = new("Bearer", _callers.Token("gateway", Guid.Empty, "anonymous", Time.GetUtcNow()));
        request.Headers.TryAddWithoutValidation("Stripe-Signature", signature ?? Sign(payload, secret, signedAt ?? Time.GetUtcNow()));
        request.Headers.TryAddWithoutValidation("User-Agent", "Stripe/1.0");
        // A body that is refused by its size is not read: one that is asked for first is not cut off in the middle.
        request.Headers.ExpectContinue = payload.Length > 1024 * 1024;
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public async Task DeliverOkAsync(JsonObject happened)
    {
        using var answer = await DeliverAsync(happened);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Delivers an event and waits until it is no longer waiting.</summary>
    public async Task<(string State, string? Reason)> SettleAsync(JsonObject happened)
    {
        await DeliverOkAsync(happened);
        var id = (string)happened["id"]!;
        await Eventually.Async(async () => (await EventAsync(id)).State != "waiting", $"{happened["type"]} is settled");
        return await EventAsync(id);
    }

    /// <summary>The payments that reached the queue for an order, once nothing is left to send.</summary>
    public Task<IReadOnlyList<PaymentCompleted>> PaymentsAsync(Guid orderId) => MessagesAsync<PaymentCompleted>(payment => payment.OrderId == orderId);

    /// <summary>The adjustments that reached the queue for an order, once nothing is left to send, by revision.</summary>
    public async Task<IReadOnlyList<PaymentAdjusted>> AdjustmentsAsync(Guid orderId) =>
        [.. (await MessagesAsync<PaymentAdjusted>(adjustment => adjustment.OrderId == orderId)).OrderBy(adjustment => adjustment.Revision)];

    private async Task<IReadOnlyList<TMessage>> MessagesAsync<TMessage>(Func<TMessage, bool> wanted)
    {
        await Eventually.Async(async () => await CountAsync("select count(*) from outbox") == 0, "the outbox is empty");
        foreach (var body in await _broker.TakeAsync(MessagesQueue, 1000))
            _messages.Enqueue(JsonNode.Parse(body)!);
        return [.. _messages.Where(envelope => envelope["messageType"]!.AsArray().Any(type => ((string)type!).EndsWith(":" + typeof(TMessage).Name, StringComparison.Ordinal)))
            .Select(envelope => envelope["message"].Deserialize<TMessage>(JsonSerializerOptions.Web)!).Where(wanted)];
    }

    public async Task<(string State, string? Reason)> EventAsync(string eventId)
    {
        await using var command = Admin.CreateCommand("select state, reason from stripe_events where id = $1");
        command.Parameters.Add(new() { Value = eventId });
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        (await reader.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeTrue($"{eventId} is stored");
        return (reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1));
    }

    /// <summary>Everything that is known of an order but who, which and when it was placed or looked at.</summary>
    public async Task<string> RowAsync(PlacedOrder order)
    {
        await using var command = Admin.CreateCommand(
            """
            select (to_jsonb(o) - array['id', 'account_id', 'created_at', 'session_id', 'session_url', 'session_expires_at', 'offered_at', 'checked_at', 'payment_intent_id'])::text
              || (o.payment_intent_id = 'pi_' || replace(o.id::text, '-', ''))
            from orders o where id = $1
            """);
        command.Parameters.Add(new() { Value = order.Id });
        return (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async Task<long> CountAsync(string sql, params object[] values)
    {
        await using var command = Admin.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Admin.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public static async Task<JsonObject> BodyAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonObject>(TestContext.Current.CancellationToken))!;

    public static string Sign(byte[] payload, string secret, DateTimeOffset at)
    {
        var seconds = at.ToUnixTimeSeconds();
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{seconds}."), .. payload];
        var hash = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signed);
        return $"t={seconds},v1={Convert.ToHexStringLower(hash)}";
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Admin.DisposeAsync();
        await _database.DisposeAsync();
        await _broker.DisposeAsync();
        _callers.Dispose();
        _folder.Dispose();
    }

    /// <summary>Listens in the place of entitlements.</summary>
    private static async Task BindMessagesAsync(string url)
    {
        var cancel = TestContext.Current.CancellationToken;
        await using var connection = await new ConnectionFactory { Uri = new Uri(url) }.CreateConnectionAsync(cancel);
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancel);
        await channel.QueueDeclareAsync(MessagesQueue, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancel);
        foreach (var message in new[] { "PaymentCompleted", "PaymentAdjusted" })
            await channel.QueueBindAsync(MessagesQueue, $"HomeStage.Contracts:{message}", "", cancellationToken: cancel);
    }
}

/// <summary>An order that waits for its payment.</summary>
internal sealed record PlacedOrder(Guid Id, Guid AccountId, string SessionId)
{
    /// <summary>As <see cref="Fixture.Session"/> has it.</summary>
    public string PaymentIntentId => "pi_" + Id.ToString("N");

    public string ChargeId => "ch_" + Id.ToString("N");
}
