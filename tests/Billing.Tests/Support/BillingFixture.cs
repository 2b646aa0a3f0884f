using HomeStage.Testing;

namespace HomeStage.Billing.Tests.Support;

/// <summary>One billing for the tests of a class, which use accounts and orders of their own.</summary>
public sealed class BillingFixture(TestServers servers) : IAsyncLifetime
{
    private BillingApp? _app;

    internal BillingApp App => _app!;

    public async ValueTask InitializeAsync() => _app = await BillingApp.StartAsync(servers);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}
