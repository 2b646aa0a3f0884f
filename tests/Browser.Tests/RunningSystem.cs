using System.Net.Http.Headers;
using HomeStage.Browser.Tests;
using HomeStage.Testing;
using HomeStage.Tool.Servers;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(RunningSystem))]
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace HomeStage.Browser.Tests;

/// <summary>
/// The whole system with a provider to sign in at, a second gateway beside the first, and Debian's Chromium, for all tests; each test is a visitor
/// of its own.
/// </summary>
public sealed class RunningSystem : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";

    private static readonly string[] Arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

    private readonly List<IBrowserContext> _contexts = [];
    private ServiceProcess? _second;
    private IPlaywright? _playwright;

    public TestStack Stack { get; private set; } = null!;

    public Uri SecondGateway { get; private set; } = null!;

    public IBrowser Browser { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Stack = await TestStack.StartAsync(withSignIn: true);
        SecondGateway = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        _second = await StartGatewayAsync(SecondGateway, new Dictionary<string, string>());
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(Person.Patience);
        Browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = Arguments });
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var context in _contexts)
            await context.DisposeAsync();
        if (Browser is not null)
            await Browser.DisposeAsync();
        _playwright?.Dispose();
        if (_second is not null)
            await _second.DisposeAsync();
        if (Stack is not null)
            await Stack.DisposeAsync();
    }

    /// <summary>Starts one more gateway of the system, at another address and with some settings of its own.</summary>
    internal async Task<ServiceProcess> StartGatewayAsync(Uri url, IReadOnlyDictionary<string, string> settings)
    {
        var management = $"http://127.0.0.1:{FreePorts.Next()}";
        var all = new Dictionary<string, string>(Stack.Process("gateway").Settings, StringComparer.Ordinal)
        {
            ["HTTP_URL"] = url.GetLeftPart(UriPartial.Authority),
            ["MANAGEMENT_URL"] = management,
        };
        foreach (var (name, value) in settings)
            all[name] = value;
        var gateway = await ServiceProcess.StartAsync("gateway", all);
        await gateway.UntilReadyAsync(management);
        return gateway;
    }

    /// <summary>A Chromium of its own, whose preferences are in a folder.</summary>
    internal Task<IBrowserContext> OpenProfileAsync(string folder) =>
        _playwright!.Chromium.LaunchPersistentContextAsync(folder, new() { ExecutablePath = Chromium, Args = Arguments, ReducedMotion = ReducedMotion.Reduce });

    /// <summary>A browser of its own, with its own cookies.</summary>
    /// <param name="complaints">Gets what our pages complain about, violations of the content security policy among it.</param>
    public async Task<IPage> OpenAsync(List<string> complaints)
    {
        var context = await Browser.NewContextAsync();
        context.SetDefaultTimeout(Person.Patience);
        _contexts.Add(context);
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            // An event stream of a session that has ended is refused, as it must be.
            if (message.Type == "error" && message.Location.StartsWith(Stack.PublicUrl.ToString(), StringComparison.Ordinal) && !message.Location.Contains("/api/v1/events", StringComparison.Ordinal))
                complaints.Add(message.Text);
        };
        page.PageError += (_, error) => complaints.Add(error);
        await page.GotoAsync(Stack.PublicUrl.ToString());
        return page;
    }

    /// <summary>The page's session in a program, at one of the gateways.</summary>
    public HttpClient Client(Uri gateway, string cookie)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = gateway };
        client.DefaultRequestHeaders.Add("Cookie", "__Host-homestage=" + cookie);
        client.DefaultRequestHeaders.Add("Origin", Stack.PublicUrl.GetLeftPart(UriPartial.Authority));
        client.DefaultRequestHeaders.Host = Stack.PublicUrl.Authority;
        return client;
    }

    /// <summary>A program with a credential, at one of the gateways.</summary>
    public HttpClient Program(Uri gateway, string credential)
    {
        var client = new HttpClient { BaseAddress = gateway };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", credential);
        client.DefaultRequestHeaders.Host = Stack.PublicUrl.Authority;
        return client;
    }
}
