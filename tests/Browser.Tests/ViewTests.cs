using HomeStage.Testing;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Every view as people see it: pictures of it to be looked at, axe-core's judgement, nothing wider than the screen.</summary>
public sealed class ViewTests(RunningSystem running)
{
    private static readonly (int Width, int Height)[] Sizes = [(390, 844), (1440, 900)];

    [Fact]
    public async Task Every_view_is_accessible_and_fits_small_and_large_light_and_dark()
    {
        await using var owner = await Person.ArriveAsync(running);
        await SignInTests.SignInAsync(owner.Page, "vera");
        await owner.Page.Locator("#account", new() { HasText = "Account" }).WaitForAsync(new() { Timeout = Person.Patience });
        await owner.BuyAsync(20);
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "moderation", match = "/v1/images/edits" });
        await owner.StageAsync();
        await owner.Page.Locator("#ended").WaitForAsync(new() { Timeout = Person.Patience });
        var failed = owner.Page.Url;
        await owner.StageAsync();
        await owner.Page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        var done = owner.Page.Url;
        await owner.Page.Locator("#stage").ClickAsync();
        await owner.ChooseNamedAsync("Living room.jpg", "Kitchen.jpg", "Bedroom.jpg");
        await owner.Page.Locator("#submit").ClickAsync();
        await owner.SeesAsync("#listing", "3 of 3 rooms are ready");
        var listing = owner.Page.Url;
        // One stays under way as long as all of it is looked at, also when the provider was given up once.
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "hang", count = 3, match = "/v1/images/edits" });
        await owner.StageAsync();
        var cookies = await owner.CookiesAsync();

        View[] views =
        [
            new("first", "/", "#submit"), new("options", "/", "#size", OpenOptionsAsync),
            new("stage", "/", ".preview img", person => person.ChooseAsync(Person.SamplePhoto)),
            new("tray", "/", ".tray .sent", person => person.ChooseNamedAsync("Kitchen.jpg", "Bedroom.jpg")),
            new("watch", owner.Page.Url, "#progress .now"), new("look", done, "#result"), new("zoom", done, "dialog.zoom", person => PressAsync(person, "Zoom")),
            new("ask", done, "dialog.ask", person => PressAsync(person, "Delete")), new("failed", failed, "#ended"), new("listing", listing, "#listing a"),
            new("library", "/library", "#rooms li:nth-child(3)"), new("credits", "/credits", "#plans button"), new("account", "/account", "#endpoints p"),
        ];
        foreach (var (width, height) in Sizes)
        {
            await using var person = await Person.ArriveAsync(running, width, height, cookies);
            foreach (var view in views)
                await LookAsync(person, view, width);
            person.Complaints.ShouldBeEmpty();
            await using var visitor = await Person.ArriveAsync(running, width, height);
            await LookAsync(visitor, new("visitor", "/account", "#restore"), width);
        }

        await owner.Page.Locator("#cancel").ClickAsync();
        await owner.SeesAsync("#ended", "Canceled");
        await Person.ForgetFaultsAsync(running.Stack.OpenAi);

        // Somebody else with the same address.
        await using var stranger = await Person.ArriveAsync(running);
        await stranger.GoAsync(new Uri(done).AbsolutePath);
        await stranger.SeesAsync("main", "There is no such room");
    }

    /// <summary>Pictures of a view at both schemes, and what is wrong with it: contrast differs by scheme, layout by size; each is judged once.</summary>
    private static async Task LookAsync(Person person, View view, int width)
    {
        await person.GoAsync(new Uri(new Uri(person.Page.Url), view.Address).PathAndQuery);
        if (view.Prepare is { } prepare)
            await prepare(person);
        await person.Page.Locator(view.Ready).First.WaitForAsync(new() { Timeout = Person.Patience });
        await Eventually.Async(
            () => person.Page.EvaluateAsync<bool>("() => !document.querySelector('.photo-state, .skeleton, .tray .waiting, .tray .uploading') && [...document.images].every(image => image.complete || image.loading === 'lazy')"),
            "the pictures are there");
        foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
        {
            await person.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await person.ShowAsync($"{view.Name}-{width}-{scheme}".ToLowerInvariant());
            if (width < 500 == (scheme == ColorScheme.Light))
                (await person.AccessibilityAsync()).ShouldBeEmpty(view.Name);
        }

        (await person.FitsAsync()).ShouldBeTrue($"{view.Name} at {width}");
        // A dialog would stand before what comes next.
        if (await person.Page.Locator("dialog[open]").CountAsync() > 0)
            await person.Page.Keyboard.PressAsync("Escape");
    }

    [Fact]
    public async Task The_first_view_is_a_hundred_kilobytes_at_most_nothing_in_it_moves_and_it_is_kept()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.Sees("#submit").ToBeVisibleAsync();
        await person.Page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        (await person.Page.EvaluateAsync<int>("() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, one) => sum + one.transferSize, 0)"))
            .ShouldBeLessThan(100_000);
        (await person.Page.EvaluateAsync<double>("""
            () => new Promise(resolve => new PerformanceObserver(list => resolve(list.getEntries().reduce((sum, one) => sum + one.value, 0))).observe({ type: "layout-shift", buffered: true }) || setTimeout(resolve, 200, 0))
            """)).ShouldBeLessThan(0.1);

        var brought = await BroughtAsync(person);
        brought.ShouldContain(address => address.EndsWith(".js", StringComparison.Ordinal));
        brought.ShouldContain(address => address.EndsWith(".css", StringComparison.Ordinal));

        // A picture that is brought when it comes into sight may come with either view, and only with one of them.
        await person.Page.GotoAsync(running.Stack.PublicUrl.ToString());
        await person.Sees("#submit").ToBeVisibleAsync();
        (await BroughtAsync(person)).ShouldNotContain(address => brought.Contains(address) || !address.EndsWith(".svg", StringComparison.Ordinal));
    }

    /// <summary>The addresses of what came over the network with a version in its name, which is to be kept for ever.</summary>
    private static Task<string[]> BroughtAsync(Person person) =>
        person.Page.EvaluateAsync<string[]>("() => performance.getEntriesByType('resource').filter(one => one.name.includes('/v/') && one.transferSize > 0).map(one => one.name)");

    private static async Task OpenOptionsAsync(Person person)
    {
        await person.Page.Locator(".options summary").ClickAsync();
        await person.Page.Locator("#size").ScrollIntoViewIfNeededAsync();
    }

    private static Task PressAsync(Person person, string button) => person.Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    /// <summary>What is looked at: where it is, what shows that it is there, and what is done to get there.</summary>
    private sealed record View(string Name, string Address, string Ready, Func<Person, Task>? Prepare = null);
}
