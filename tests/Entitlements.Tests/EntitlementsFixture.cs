using HomeStage.Testing;
using Xunit;

namespace HomeStage.Entitlements.Tests;

/// <summary>One running service for all tests of a class; each test uses accounts and households of its own.</summary>
public sealed class EntitlementsFixture(TestServers servers) : IAsyncLifetime
{
    private EntitlementsApp? _app;

    internal EntitlementsApp App => _app!;

    public async ValueTask InitializeAsync() => _app = await EntitlementsApp.StartAsync(servers);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}

/// <summary>Classes that share one running service and its clock, one test after the other: a start costs more than their tests.</summary>
[CollectionDefinition(nameof(OneService))]
public sealed class OneService : ICollectionFixture<EntitlementsFixture>;
