using HomeStage.Testing;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Every view as people see it: pictures of it to be looked at, axe-core's judgement, nothing wider than the screen.</summary>
public sealed class ViewTests(RunningSystem running)
{
    /// <summary>Where the pictures are written: <c>screenshots</c> beside the built tests.</summary>
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "screenshots");

    [Fact]
    public async Task Every_view_is_accessible_and_fits_small_and_large_light_and_dark()
    {
        Directory.CreateDirectory(Folder);
        await using var owner = await Person.ArriveAsync(running);
        await owner.BuyAsync(20);
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "moderation", match = "/v1/images/edits" });
        await owner.StageAsync();
        await owner.Page.Locator("#ended").WaitForAsync(new() { Timeout = Person.Patience });
        var failed = owner.Page.Url;
        await owner.StageAsync();
        await owner.Page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        var done = owner.Page.Url;
        // One stays under way as long as all of it is looked at.
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "hang", match = "/v1/images/edits" });
        await owner.StageAsync();
        var cookies = await owner.CookiesAsync();

        (string Name, string Address, string Ready)[] views =
        [
            ("first", "/", "#submit"), ("stage", "/", "#submit"), ("watch", owner.Page.Url, "#progress .now"), ("look", done, "#result"), ("failed", failed, "#ended"),
            ("library", "/library", "#rooms li:nth-child(3)"), ("credits", "/credits", "#plans button"), ("account", "/account", "#restore"),
        ];
        foreach (var (width, height) in ((int, int)[])[(390, 844), (1440, 900)])
        {
            await using var person = await Person.ArriveAsync(running, width, height, cookies);
            foreach (var (name, address, ready) in views)
            {
                await person.Page.GotoAsync(new Uri(running.Stack.PublicUrl, address).ToString());
                await person.Page.Locator(ready).First.WaitForAsync(new() { Timeout = Person.Patience });
                if (name == "stage")
                    await person.ChooseAsync(Person.SamplePhoto);
                await Eventually.Async(
                    () => person.Page.EvaluateAsync<bool>("() => !document.querySelector('.photo-state') && [...document.images].every(image => image.complete || image.loading === 'lazy')"),
                    "the pictures are there");
                foreach (var scheme in (ColorScheme[])[ColorScheme.Light, ColorScheme.Dark])
                {
                    await person.Page.EmulateMediaAsync(new() { ColorScheme = scheme });
                    await person.Page.ScreenshotAsync(new() { Path = Path.Combine(Folder, $"{name}-{width}-{scheme}.png".ToLowerInvariant()) });
                    // Contrast differs by scheme, layout by size: each is judged once.
                    if (width < 500 == (scheme == ColorScheme.Light))
                        (await person.AccessibilityAsync()).ShouldBeEmpty(name);
                }

                (await person.FitsAsync()).ShouldBeTrue($"{name} at {width}");
            }

            person.Complaints.ShouldBeEmpty();
        }

        await owner.Page.Locator("#cancel").ClickAsync();
        await owner.SeesAsync("#ended", "Canceled");
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

        await person.Page.GotoAsync(running.Stack.PublicUrl.ToString());
        await person.Sees("#submit").ToBeVisibleAsync();
        (await person.Page.EvaluateAsync<int>("() => performance.getEntriesByType('resource').filter(one => one.name.includes('/v/') && one.transferSize > 0).length")).ShouldBe(0);
    }
}
