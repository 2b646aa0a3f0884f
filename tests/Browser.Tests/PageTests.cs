using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>The main job by hand, in Debian's Chromium, against the whole running system.</summary>
public sealed class PageTests(RunningSystem running)
{
    private static readonly string SamplePhoto = Path.Combine(AppContext.BaseDirectory, "empty-room.jpg");

    private readonly List<string> _complaints = [];

    [Theory]
    [InlineData(1440, 900)]
    [InlineData(390, 844)]
    public async Task A_visitor_buys_a_pack_stages_a_photo_and_downloads_it(int width, int height)
    {
        var page = await OpenAsync(width, height);

        await page.Locator("#buy").ClickAsync();
        await page.Locator("#plans button").First.ClickAsync();
        await page.Locator("#pay").ClickAsync();
        await Assertions.Expect(page.Locator("#balance")).ToContainTextAsync("5 credits", new() { Timeout = 60_000 });

        await page.Locator("#photo").SetInputFilesAsync(SamplePhoto);
        await page.Locator("#room").SelectOptionAsync("living_room");
        await page.Locator("#style").SelectOptionAsync("scandinavian");
        await page.Locator("#submit").ClickAsync();
        await Assertions.Expect(page.Locator("#result")).ToBeVisibleAsync(new() { Timeout = 120_000 });
        await Assertions.Expect(page.Locator("#receipt")).ToContainTextAsync("1 credit charged");
        await Assertions.Expect(page.Locator("#balance")).ToContainTextAsync("4 credits", new() { Timeout = 60_000 });

        var download = await page.RunAndWaitForDownloadAsync(() => page.Locator("#downloads a").First.ClickAsync());
        new FileInfo(await download.PathAsync()).Length.ShouldBeGreaterThan(10_000);
        (await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).ShouldBeTrue();
        _complaints.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1440, 900)]
    [InlineData(390, 844)]
    public async Task The_API_page_shows_every_operation_and_finds_one(int width, int height)
    {
        var page = await OpenAsync(width, height);
        await page.Locator(".foot a").ClickAsync();
        await Assertions.Expect(page.Locator("#submitStaging h3")).ToHaveTextAsync("Have a room furnished");
        var operations = await page.EvaluateAsync<int>("() => fetch('/openapi/v1.json').then(answer => answer.json()).then(api => Object.values(api.paths).flatMap(Object.keys).length)");
        (await page.Locator("article").CountAsync()).ShouldBe(operations);
        await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(details => details.open = true)");
        (await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth")).ShouldBeTrue();

        await page.Locator("#search").FillAsync("cancel");
        await Assertions.Expect(page.Locator("article:visible")).ToHaveCountAsync(1);
        _complaints.ShouldBeEmpty();
    }

    private async Task<IPage> OpenAsync(int width, int height)
    {
        var context = await running.Browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, AcceptDownloads = true });
        var page = await context.NewPageAsync();
        // Violations of the content security policy come as console errors, too. Stripe's page is not ours.
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && message.Location.StartsWith(running.Stack.PublicUrl.ToString(), StringComparison.Ordinal))
                _complaints.Add(message.Text);
        };
        page.PageError += (_, error) => _complaints.Add(error);
        await page.GotoAsync(running.Stack.PublicUrl.ToString());
        return page;
    }
}
