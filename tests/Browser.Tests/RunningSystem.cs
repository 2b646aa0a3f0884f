using HomeStage.Browser.Tests;
using HomeStage.Testing;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(RunningSystem))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace HomeStage.Browser.Tests;

/// <summary>The whole system, and Debian's Chromium, for all tests; each test is a visitor of its own.</summary>
public sealed class RunningSystem : IAsyncLifetime
{
    private IPlaywright? _playwright;

    public TestStack Stack { get; private set; } = null!;

    public IBrowser Browser { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Stack = await TestStack.StartAsync();
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (Browser is not null)
            await Browser.DisposeAsync();
        _playwright?.Dispose();
        if (Stack is not null)
            await Stack.DisposeAsync();
    }
}
