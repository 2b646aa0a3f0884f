using System.Text.Json;
using HomeStage.Tool.Servers;
using Xunit;

namespace HomeStage.Testing;

/// <summary>
/// The servers that a test project shares: <c>[assembly: AssemblyFixture(typeof(TestServers))]</c>. They are the ones that
/// <c>./homestage test</c> started for all projects if it did, else the project's own. Each test takes a database, a virtual
/// host or a Redis of its own; tests that freeze or kill a server start one for themselves.
/// </summary>
public sealed class TestServers : IAsyncLifetime
{
    /// <summary>Names a file with <see cref="ServerFacts"/> as JSON.</summary>
    public const string FactsVariable = "HOMESTAGE_TEST_SERVERS";

    private readonly Lock _lock = new();
    private readonly List<LocalServers> _private = [];
    private TemporaryFolder? _folder;
    private ServerFacts? _facts;

    /// <summary>How to reach the shared servers.</summary>
    public ServerFacts Facts => _facts ?? throw new InvalidOperationException("TestServers is an assembly fixture; xunit has not initialized it.");

    /// <summary>The shared PostgreSQL.</summary>
    public PostgresFacts Postgres => Facts.Postgres!;

    /// <summary>The shared RabbitMQ.</summary>
    public RabbitMqFacts RabbitMq => Facts.RabbitMq!;

    /// <summary>The shared Redis. Its databases are shared too: for what needs a clean one, <see cref="StartRedisAsync"/> is quick.</summary>
    public RedisFacts Redis => Facts.Redis!;

    /// <summary>Finds or starts the shared servers.</summary>
    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable(FactsVariable) is { Length: > 0 } file)
        {
            _facts = JsonSerializer.Deserialize<ServerFacts>(await File.ReadAllTextAsync(file))!;
            return;
        }
        _folder = new TemporaryFolder();
        _facts = (await StartInAsync(_folder.FullPath, new() { Folder = _folder.FullPath })).Facts;
    }

    /// <summary>A new database with an owner role and an application role, dropped when disposed.</summary>
    public Task<TestDatabase> CreateDatabaseAsync() => TestDatabase.CreateAsync(Postgres);

    /// <summary>A new virtual host in which each service's user has exactly its own permissions, removed when disposed.</summary>
    public Task<TestVirtualHost> CreateVirtualHostAsync() => TestVirtualHost.CreateAsync(RabbitMq);

    /// <summary>A Redis for one test alone, ready in a moment; it may be frozen and killed. Stopped at the end of the test run at the latest.</summary>
    public Task<LocalServers> StartRedisAsync() =>
        StartPrivateAsync(options => options with { Redis = true });

    /// <summary>A PostgreSQL for one test alone, which may be frozen and killed. Stopped at the end of the test run at the latest.</summary>
    public Task<LocalServers> StartPostgresAsync() =>
        StartPrivateAsync(options => options with { Postgres = true });

    /// <summary>A RabbitMQ for one test alone (takes some seconds), which may be frozen and killed. Stopped at the end of the test run at the latest.</summary>
    public Task<LocalServers> StartRabbitMqAsync() =>
        StartPrivateAsync(options => options with { RabbitMq = true });

    /// <summary>All three for one test alone, which speak TLS with this certificate besides. Stopped at the end of the test run at the latest.</summary>
    public Task<LocalServers> StartWithTlsAsync(ServerCertificate certificate) =>
        StartPrivateAsync(options => options with { Postgres = true, RabbitMq = true, Redis = true, Certificate = certificate });

    /// <summary>Stops what this project started.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var servers in _private)
            await servers.StopAsync();
        _folder?.Dispose();
    }

    private Task<LocalServers> StartPrivateAsync(Func<LocalServersOptions, LocalServersOptions> choose)
    {
        lock (_lock)
            _folder ??= new TemporaryFolder();
        var folder = _folder.File(Guid.NewGuid().ToString("N")[..8]);
        return StartInAsync(folder, choose(new() { Folder = folder, Postgres = false, RabbitMq = false, Redis = false }));
    }

    private async Task<LocalServers> StartInAsync(string folder, LocalServersOptions options)
    {
        Directory.CreateDirectory(folder);
        var servers = await LocalServers.StartAsync(options, TestContext.Current.CancellationToken);
        lock (_lock)
            _private.Add(servers);
        return servers;
    }
}
