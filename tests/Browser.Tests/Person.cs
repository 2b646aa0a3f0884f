using System.Net.Http.Json;
using System.Text.Json;
using HomeStage.Tool;
using HomeStage.Tool.Prerequisites;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Somebody with a browser of their own, who does what people do on the page.</summary>
internal sealed class Person : IAsyncDisposable
{
    internal static readonly string SamplePhoto = Path.Combine(AppContext.BaseDirectory, "empty-room.jpg");

    /// <summary>For what takes the whole system some seconds on a busy machine.</summary>
    internal const float Patience = 60_000;

    private readonly RunningSystem _running;
    private readonly IBrowserContext _context;
    private (ICDPSession Session, int World)? _axe;

    private Person(RunningSystem running, IBrowserContext context, IPage page) => (_running, _context, Page) = (running, context, page);

    internal IPage Page { get; }

    /// <summary>What our pages complain about, violations of the content security policy among it. Stripe's page is not ours.</summary>
    internal List<string> Complaints { get; } = [];

    /// <summary>What was asked of the server, <c>POST /api/v1/stagings</c>.</summary>
    internal List<string> Requests { get; } = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Somebody new.</summary>
    /// <param name="running">The system.</param>
    /// <param name="width">Of the window; small ones are touched.</param>
    /// <param name="height">Of the window.</param>
    /// <param name="cookies">Of somebody who was here before.</param>
    /// <param name="script">Runs in each page before its own.</param>
    /// <param name="at">Another address than the system's own.</param>
    internal static async Task<Person> ArriveAsync(RunningSystem running, int width = 390, int height = 844, string? cookies = null, string? script = null, Uri? at = null)
    {
        var context = await running.Browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = height },
            HasTouch = width < 500,
            StorageState = cookies,
            ReducedMotion = ReducedMotion.Reduce,
        });
        if (script is not null)
            await context.AddInitScriptAsync(script);
        return await OfAsync(running, context, at);
    }

    /// <summary>Somebody whose browser is given.</summary>
    internal static async Task<Person> OfAsync(RunningSystem running, IBrowserContext context, Uri? at = null)
    {
        context.SetDefaultTimeout(Patience);
        var person = new Person(running, context, await context.NewPageAsync());
        person.Watch(person.Page);
        await person.Page.GotoAsync((at ?? running.Stack.PublicUrl).ToString());
        return person;
    }

    public ValueTask DisposeAsync() => _context.DisposeAsync();

    internal ILocatorAssertions Sees(string selector) => Assertions.Expect(Page.Locator(selector));

    internal Task SeesAsync(string selector, string words) => Sees(selector).ToContainTextAsync(words, new() { Timeout = Patience });

    /// <summary>Opens an address of the page in another tab of the same browser.</summary>
    internal async Task<(IPage Page, List<string> Requests)> OpenTabAsync(string address)
    {
        var tab = await _context.NewPageAsync();
        var requests = new List<string>();
        tab.Request += (_, request) => requests.Add(Told(request));
        await tab.GotoAsync(address);
        return (tab, requests);
    }

    internal Task GoOfflineAsync(bool offline) => _context.SetOfflineAsync(offline);

    internal Task<string> CookiesAsync() => _context.StorageStateAsync();

    internal Task ChooseAsync(params string[] files) => Page.Locator("#photo").SetInputFilesAsync(files);

    /// <summary>As <see cref="ChooseAsync(string[])"/>, of a file that is not on the disk.</summary>
    internal Task ChooseAsync(string name, string type, byte[] content) =>
        Page.Locator("#photo").SetInputFilesAsync(new FilePayload { Name = name, MimeType = type, Buffer = content });

    /// <summary>Buys the pack of so many credits, and sees them arrive.</summary>
    /// <returns>Stripe's name of the session that was paid.</returns>
    internal async Task<string> BuyAsync(int credits = 5)
    {
        var session = await CheckOutAsync(credits);
        await Page.Locator("#pay").ClickAsync();
        await SeesAsync("#purchase h2", "Your credits are here");
        await SeesAsync("#balance", $"{credits} credits");
        return session;
    }

    /// <summary>Goes to Stripe's page for the pack of so many credits.</summary>
    internal async Task<string> CheckOutAsync(int credits = 5)
    {
        await Page.Locator("#credits").ClickAsync();
        await Page.Locator("#plans > div", new() { HasText = $"{credits}credits" }).GetByRole(AriaRole.Button).ClickAsync();
        await Page.Locator("#pay").WaitForAsync(new() { Timeout = Patience });
        return new Uri(Page.Url).Segments[^1];
    }

    /// <summary>Goes to an address of the page as its links do, without loading it anew.</summary>
    internal Task GoAsync(string address) =>
        Page.EvaluateAsync("address => { history.pushState(null, '', address); dispatchEvent(new PopStateEvent('popstate')); }", address);

    /// <summary>Chooses the sample photo several times, under other names.</summary>
    internal async Task ChooseNamedAsync(params string[] names)
    {
        var bytes = await File.ReadAllBytesAsync(SamplePhoto, Cancel);
        await Page.Locator("#photo").SetInputFilesAsync(names.Select(name => new FilePayload { Name = name, MimeType = "image/jpeg", Buffer = bytes }));
    }

    /// <summary>Orders the sample photo to be furnished.</summary>
    internal async Task StageAsync()
    {
        await Page.Locator("#stage").ClickAsync();
        await ChooseAsync(SamplePhoto);
        await Page.Locator("#submit").ClickAsync();
        await Page.Locator("#progress, #result, #ended").First.WaitForAsync(new() { Timeout = Patience });
    }

    /// <summary>Writes a picture of the page to <c>screenshots</c> beside the built tests.</summary>
    internal Task ShowAsync(string name) => Page.ScreenshotAsync(new() { Path = Path.Combine(AppContext.BaseDirectory, "screenshots", name + ".png") });

    internal Task<bool> FitsAsync() => Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth");

    /// <summary>Matches an address of the system by its path alone.</summary>
    internal static Func<string, bool> At(string path) => url => new Uri(url).AbsolutePath == path;

    /// <summary>Tells a simulator, e.g. to fail.</summary>
    internal static async Task ControlAsync(Uri simulator, string path, object body)
    {
        using var client = new HttpClient { BaseAddress = simulator };
        using var answer = await client.PostAsJsonAsync(path, body, Cancel);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>Takes back what a simulator was told to do wrong and has not done: it would be another test's.</summary>
    internal static async Task ForgetFaultsAsync(Uri simulator)
    {
        using var client = new HttpClient { BaseAddress = simulator };
        using var answer = await client.DeleteAsync(new Uri("/control/faults", UriKind.Relative), Cancel);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>What axe-core finds against WCAG 2.2 A and AA and its good practices, in words. It runs beside the page's own script, so that the policy of the page holds.</summary>
    internal async Task<string[]> AccessibilityAsync()
    {
        var (session, world) = _axe ??= await LoadAxeAsync();
        var found = await RunAsync(session, world, """
            axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
              .then(result => result.violations.flatMap(violation => violation.nodes.map(node => `${violation.id}: ${node.target} ${node.failureSummary}`)))
            """);
        return [.. found.GetProperty("value").EnumerateArray().Select(entry => entry.GetString()!)];
    }

    private static async Task<JsonElement> RunAsync(ICDPSession session, int world, string script) => (await session.SendAsync("Runtime.evaluate", new()
    {
        ["contextId"] = world,
        ["expression"] = script,
        ["awaitPromise"] = true,
        ["returnByValue"] = true,
    }))!.Value.GetProperty("result");

    private async Task<(ICDPSession Session, int World)> LoadAxeAsync()
    {
        var folder = Path.Combine(SourceTree.Root, "tests", "npm");
        await NodePackages.EnsureAsync(folder, Cancel);
        var axe = await File.ReadAllTextAsync(Path.Combine(folder, "node_modules", "axe-core", "axe.min.js"), Cancel);
        var session = await _context.NewCDPSessionAsync(Page);
        var tree = await session.SendAsync("Page.getFrameTree");
        var frameId = tree!.Value.GetProperty("frameTree").GetProperty("frame").GetProperty("id").GetString()!;
        var made = await session.SendAsync("Page.createIsolatedWorld", new() { ["frameId"] = frameId });
        var world = made!.Value.GetProperty("executionContextId").GetInt32();
        await RunAsync(session, world, axe);
        return (session, world);
    }

    private void Watch(IPage page)
    {
        // Another document knows nothing of axe.
        page.DOMContentLoaded += (_, _) => _axe = null;
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && message.Location.StartsWith(_running.Stack.PublicUrl.ToString(), StringComparison.Ordinal))
                Complaints.Add($"{message.Text} {message.Location}");
        };
        page.PageError += (_, error) => Complaints.Add(error);
        page.Request += (_, request) => Requests.Add(Told(request));
    }

    private static string Told(IRequest request) => $"{request.Method} {new Uri(request.Url).AbsolutePath}";
}
