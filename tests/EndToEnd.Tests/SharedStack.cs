using HomeStage.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace HomeStage.EndToEnd.Tests;

/// <summary>One running system with two of everything, for tests that break nothing.</summary>
[CollectionDefinition(Collection)]
public sealed class SharedStack : IAsyncLifetime, ICollectionFixture<SharedStack>
{
    public const string Collection = "shared stack";

    public TestStack Stack { get; private set; } = null!;

    /// <summary>Gets the traces of all its processes.</summary>
    public OtlpCollector Collector { get; } = OtlpCollector.Start();

    public async ValueTask InitializeAsync() => Stack = await TestStack.StartAsync(workers: 2, replicas: 2, settings: new Dictionary<string, string>(Collector.Settings)
    {
        // On a machine that is busy with other tests the gateways take longer to notice who goes.
        ["DRAIN_DELAY_SECONDS"] = "6",
    });

    public async ValueTask DisposeAsync()
    {
        await Stack.DisposeAsync();
        Collector.Dispose();
    }
}
