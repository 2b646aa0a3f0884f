using HomeStage.Tool.Servers;

namespace HomeStage.Gateway.Tests.Scene;

/// <summary>A Redis for the tests of limits, and more of them for tests that break theirs. Subjects are different in each test, so one serves all.</summary>
public sealed class SharedRedis : IAsyncLifetime
{
    private readonly TestServers _servers = new();

    public string Connection { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Connection = (await StartAnotherAsync()).Facts.Redis!.Connection;

    /// <summary>One for a test alone, which may freeze or kill it.</summary>
    public Task<LocalServers> StartAnotherAsync() => _servers.StartRedisAsync();

    public ValueTask DisposeAsync() => _servers.DisposeAsync();
}
