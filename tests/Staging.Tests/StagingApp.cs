using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Staging.Attempts;
using HomeStage.Staging.Events;
using HomeStage.Storage;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using MassTransit;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Xunit;

namespace HomeStage.Staging.Tests;

/// <summary>
/// The service as it runs, with a database, a virtual host, blobs and a clock of its own; a fake entitlements; and a bus that
/// plays the workers and hears what is sent.
/// </summary>
internal sealed class StagingApp : IAsyncDisposable
{
    private readonly List<(WebApplication App, Uri Url)> _replicas = [];
    private readonly TemporaryFolder _folder = new();
    private readonly HttpClient _http = new();
    private readonly TestIdentity _identity;
    private readonly TestDatabase _database;
    private readonly Dictionary<string, string> _settings;
    private readonly IBusControl _others;

    private StagingApp(TestServers servers, TestDatabase database, TestVirtualHost virtualHost, string? redis)
    {
        (_database, VirtualHost) = (database, virtualHost);
        _identity = new TestIdentity(Clock);
        Admin = NpgsqlDataSource.Create(database.AdminConnection);
        // Files have the system's time: by the clock that tests put forward, one that is just being written would be an hour old, and swept.
        Blobs = new FaultyBlobStore(new DirectoryBlobStore(_folder.FullPath));
        _settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["DATABASE_CONNECTION"] = database.Connection,
            ["MIGRATE_DATABASE_CONNECTION"] = database.DdlConnection,
            ["MIGRATE_APP_ROLE"] = database.AppRole,
            ["RABBITMQ_URL"] = virtualHost.Url("staging-api"),
            ["MIGRATE_RABBITMQ_URL"] = virtualHost.MigrateUrl,
            ["REDIS_CONNECTION"] = redis ?? servers.Redis.Connection,
            ["IDENTITY_CALLERS_DIR"] = _identity.CallersFolder,
            ["IDENTITY_KEY"] = _identity.KeyOf("staging-api"),
            ["BLOBS_DIR"] = _folder.FullPath,
            ["PUBLIC_URL"] = "https://stage.example",
            ["SAFETY_PEPPER"] = "f3c9a1d27be84056b1d0c2e7a9f86543",
            ["WEBHOOK_SECRETS_KEY"] = "0b9e6c1f43d7a8205e9b71c4d6f3a812",
            ["Logging:LogLevel:Default"] = "Warning",
        };
        _others = MassTransit.Bus.Factory.CreateUsingRabbitMq(bus =>
        {
            bus.Host(new Uri(virtualHost.AdminUrl));
            bus.ReceiveEndpoint("others.heard", endpoint =>
            {
                endpoint.Handler<StageRoom>(context => Heard(() => Work.Enqueue(context.Message)));
                endpoint.Handler<StagingSettled>(context => Heard(() => Settlements.Enqueue(context.Message)));
            });
        });
    }

    internal TestClock Clock { get; } = new();

    internal FakeEntitlements Entitlements { get; } = new();

    internal FaultyBlobStore Blobs { get; }

    internal TestVirtualHost VirtualHost { get; }

    /// <summary>The superuser's eyes and hands.</summary>
    internal NpgsqlDataSource Admin { get; }

    /// <summary>What workers were told, as often as they were.</summary>
    internal ConcurrentQueue<StageRoom> Work { get; } = new();

    internal ConcurrentQueue<StagingSettled> Settlements { get; } = new();

    internal IServiceProvider Services => _replicas[0].App.Services;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <param name="servers">The shared servers.</param>
    /// <param name="redis">Another Redis than the shared one.</param>
    /// <param name="ping">How often a quiet stream pings.</param>
    /// <param name="scheduler">Whether time passes for jobs by itself.</param>
    /// <param name="replicas">How many run.</param>
    /// <param name="setting">A setting that is not usual.</param>
    /// <param name="callsLoopback">Whether webhooks may go to receivers on loopback, as they never may in Production.</param>
    internal static async Task<StagingApp> StartAsync(
        TestServers servers, string? redis = null, TimeSpan? ping = null, bool scheduler = true, int replicas = 1, (string Name, string Value)? setting = null, bool callsLoopback = false)
    {
        var app = new StagingApp(servers, await servers.CreateDatabaseAsync(), await servers.CreateVirtualHostAsync(), redis);
        await app.Entitlements.StartAsync(app._identity, app.Clock, Cancel);
        app._settings["ENTITLEMENTS_URL"] = app.Entitlements.Url;
        if (setting is var (name, value))
            app._settings[name] = value;
        if (callsLoopback)
            (app._settings["ENVIRONMENT"], app._settings["WEBHOOK_LOCAL_NETWORKS"]) = ("Development", "127.0.0.0/8");
        await ServiceHost.MigrateAsync("staging-api", app._settings, StagingService.Compose, Cancel);
        await app._others.StartAsync(Cancel);
        for (var i = 0; i < replicas; i++)
            await app.StartReplicaAsync(ping, scheduler);
        return app;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var (replica, _) in _replicas)
            await replica.DisposeAsync();
        await _others.StopAsync(CancellationToken.None);
        await Entitlements.DisposeAsync();
        await Admin.DisposeAsync();
        await VirtualHost.DisposeAsync();
        await _database.DisposeAsync();
        _identity.Dispose();
        _folder.Dispose();
    }

    /// <summary>Who has still to be shown to be a person.</summary>
    internal ConcurrentDictionary<Guid, bool> Unproven { get; } = new();

    /// <summary>Somebody new.</summary>
    internal Visitor Visitor(Wallet wallet = Wallet.Rich, string kind = "visitor")
    {
        var account = Guid.CreateVersion7();
        Entitlements.Wallets[account] = wallet;
        return new Visitor(this, account, kind);
    }

    /// <summary>Sends a request to a replica, with a token of the caller.</summary>
    internal async Task<HttpResponseMessage> SendAsync(
        HttpRequestMessage request, string issuer, Guid account, string kind, int replica = 0, HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead)
    {
        request.RequestUri = new Uri(_replicas[replica].Url, request.RequestUri!);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _identity.Token(issuer, account, kind, "household", Unproven.ContainsKey(account)));
        return await _http.SendAsync(request, completion, Cancel);
    }

    internal async Task<ClaimAnswer> ClaimAsync(Guid job, int attempt = 1, Guid? claim = null, string verb = "claim", int replica = 0)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/internal/jobs/{job}/{verb}")
        {
            Content = JsonContent.Create(new ClaimRequest { ClaimId = claim ?? Guid.NewGuid(), Attempt = attempt }),
        };
        using var answer = await SendAsync(request, "staging-worker", Guid.Empty, "service", replica);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<ClaimAnswer>(Cancel))!;
    }

    /// <summary>Says something as another service.</summary>
    internal Task PublishAsync(object message, Guid? id = null) =>
        _others.Publish(message, message.GetType(), Pipe.Execute<PublishContext>(context => context.MessageId = id ?? Guid.CreateVersion7()), Cancel);

    /// <summary>Waits for an attempt to be sent to the workers.</summary>
    internal Task<StageRoom> SentAsync(Guid job, int attempt = 1) => Eventually.ValueAsync(
        () => Task.FromResult(Work.FirstOrDefault(work => work.JobId == job && work.Attempt == attempt)), $"attempt {attempt} is sent");

    /// <summary>Waits for the job's settlement.</summary>
    internal Task<StagingSettled> SettledAsync(Guid job) => Eventually.ValueAsync(
        () => Task.FromResult(Settlements.FirstOrDefault(settlement => settlement.JobId == job)), "the job is settled");

    internal async Task StopReplicaAsync(int replica) => await _replicas[replica].App.StopAsync(Cancel);

    internal async Task ExecuteAsync(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    internal async Task<long> CountAsync(string sql)
    {
        await using var command = Admin.CreateCommand("select count(*) from " + sql);
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }

    private static Task Heard(Action remember)
    {
        remember();
        return Task.CompletedTask;
    }

    private async Task StartReplicaAsync(TimeSpan? ping, bool scheduler)
    {
        var settings = new Dictionary<string, string>(_settings, StringComparer.Ordinal)
        {
            ["HTTP_URL"] = $"http://127.0.0.1:{FreePorts.Next()}",
            ["MANAGEMENT_URL"] = $"http://127.0.0.1:{FreePorts.Next()}",
        };
        var app = await ServiceHost.StartAsync("staging-api", settings, StagingService.Compose, services =>
        {
            services.AddSingleton<TimeProvider>(Clock);
            services.AddSingleton<IBlobStore>(Blobs);
            if (ping is { } often)
                services.AddSingleton(new EventStreamTimes(often) { Untaken = TimeSpan.FromSeconds(3) });
            if (!scheduler)
                services.Remove(services.Single(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType == typeof(Scheduler)));
        }, Cancel);
        _replicas.Add((app, new Uri(settings["HTTP_URL"])));
    }
}

/// <summary>One running service for all tests of a class; each test is somebody else.</summary>
public sealed class StagingFixture(TestServers servers) : IAsyncLifetime
{
    private StagingApp? _app;

    internal StagingApp App => _app!;

    internal TestServers Servers => servers;

    public async ValueTask InitializeAsync() => _app = await StagingApp.StartAsync(servers);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}
