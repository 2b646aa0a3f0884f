using System.Text.RegularExpressions;
using HomeStage.Testing;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>The main job by hand, in Debian's Chromium, against the whole running system.</summary>
public sealed class PageTests(RunningSystem running)
{
    [Theory]
    [InlineData(1440, 900)]
    [InlineData(390, 844)]
    public async Task A_visitor_buys_a_pack_stages_a_photo_and_downloads_it(int width, int height)
    {
        await using var person = await Person.ArriveAsync(running, width, height);
        var page = person.Page;
        await person.BuyAsync();
        var receipt = await page.RunAndWaitForPopupAsync(() => page.Locator("#purchase").GetByRole(AriaRole.Button, new() { Name = "Receipt" }).ClickAsync());
        await Assertions.Expect(receipt.Locator("main")).ToContainTextAsync("9.00 USD", new() { Timeout = Person.Patience });
        await receipt.CloseAsync();

        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await page.Locator(".tile", new() { HasText = "Bedroom" }).ClickAsync();
        await page.Locator(".tile", new() { HasText = "Japandi" }).ClickAsync();
        await person.SeesAsync("#cost", "1 credit");
        // People double-click.
        await page.Locator("#submit").DblClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("h1", "Bedroom, Japandi");
        await person.SeesAsync("#receipt", "1 credit charged");
        await person.SeesAsync("#balance", "4 credits");
        person.Requests.Count(request => request == "POST /api/v1/stagings").ShouldBe(1);

        var slider = page.GetByRole(AriaRole.Slider);
        await slider.FocusAsync();
        await page.Keyboard.PressAsync("End");
        (await slider.InputValueAsync()).ShouldBe("100");
        var picture = (await page.Locator(".compare").BoundingBoxAsync())!;
        await page.Mouse.ClickAsync(picture.X + (picture.Width / 4), picture.Y + (picture.Height / 2));
        (await slider.InputValueAsync()).ShouldBe("25");

        foreach (var (name, type) in ((string, string)[])[("Download", ".jpg"), ("With label", ".jpg"), ("All as zip", ".zip")])
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.Locator("#downloads").GetByText(name, new() { Exact = true }).ClickAsync());
            download.SuggestedFilename.ShouldEndWith(type);
            new FileInfo(await download.PathAsync()).Length.ShouldBeGreaterThan(10_000);
        }

        (await person.FitsAsync()).ShouldBeTrue();
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_room_is_furnished_again_without_another_upload_and_shared_beside_its_original()
    {
        await using var person = await Person.ArriveAsync(running, 390, 844);
        var page = person.Page;
        await person.BuyAsync();
        await person.StageAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        // There and back and there again is one photo.
        await page.GetByRole(AriaRole.Link, new() { Name = "Try another style" }).ClickAsync();
        await person.Sees(".preview img").ToBeVisibleAsync();
        await page.GoBackAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Try another style" }).ClickAsync();
        await Eventually.Async(() => new Uri(page.Url).Query.Length == 0, "the photo is taken again");
        await person.SeesAsync("#submit", "Furnish this room");
        await page.Locator(".tile", new() { HasText = "Coastal" }).ClickAsync();
        await page.Locator("#submit").ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("h1", "Coastal");
        person.Requests.Count(request => request == "POST /api/v1/photos").ShouldBe(1);
        person.Requests.Count(request => request.EndsWith("/regenerate", StringComparison.Ordinal)).ShouldBe(1);

        await page.Locator("#share").ClickAsync();
        var link = await page.Locator(".share code").First.InnerTextAsync();
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        (await person.FitsAsync()).ShouldBeTrue();
        (await page.APIRequest.GetAsync(link)).Status.ShouldBe(200);
        await page.Locator("dialog").GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();

        // What is published warns before it goes.
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("#ask-title", "shared page");
        await page.Locator("dialog .danger").ClickAsync();
        await page.Locator("#rooms").WaitForAsync();
        (await page.APIRequest.GetAsync(link)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task The_first_visit_leads_to_a_furnished_room_with_one_click_for_free()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.SeesAsync("#cost", "Free");
        await person.Page.Locator("#sample").ClickAsync();
        await person.Page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#receipt", "free");
        await person.SeesAsync("#balance", "2 free");
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_purchase_says_what_became_of_it_when_abandoned_waited_for_and_refunded()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.CheckOutAsync();
        await person.Page.Locator("#decline").ClickAsync();
        await person.Page.Locator("#cancel").ClickAsync();
        await person.SeesAsync("#purchase", "Nothing was bought");

        // The same checkout again, paid by a debit that takes its time; the page waits with its customer.
        await person.Page.Locator("#purchase").GetByRole(AriaRole.Link, new() { Name = "Go on to pay" }).ClickAsync();
        await person.Page.Locator("#pay-later").ClickAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#purchase", "Your bank is confirming");
        var open = await person.CheckOutAsync(20);
        await Person.ControlAsync(running.Stack.Stripe, $"/control/checkout/{open}/pay-later", new { });
        await person.Page.GotoAsync(running.Stack.PublicUrl + "credits");
        await Person.ControlAsync(running.Stack.Stripe, $"/control/checkout/{open}/succeed", new { });
        await person.SeesAsync("#balance", "20 credits");

        await Person.ControlAsync(running.Stack.Stripe, "/control/refunds", new { of = open, amount = 2500 });
        await person.Sees("#balance").ToContainTextAsync(new Regex(@"\b0 credits", RegexOptions.None, TimeSpan.FromSeconds(1)));
        person.Complaints.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(1440, 900)]
    [InlineData(390, 844)]
    public async Task The_API_page_shows_every_operation_and_finds_one(int width, int height)
    {
        await using var person = await Person.ArriveAsync(running, width, height);
        var page = person.Page;
        await page.Locator(".foot a").ClickAsync();
        await Assertions.Expect(page.Locator("#submitStaging h3")).ToHaveTextAsync("Have a room furnished");
        var operations = await page.EvaluateAsync<int>("() => fetch('/openapi/v1.json').then(answer => answer.json()).then(api => Object.values(api.paths).flatMap(Object.keys).length)");
        (await page.Locator("article").CountAsync()).ShouldBe(operations);
        await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(details => details.open = true)");
        (await person.FitsAsync()).ShouldBeTrue();

        await page.Locator("#search").FillAsync("regenerate");
        await Assertions.Expect(page.Locator("article:visible")).ToHaveCountAsync(1);
        person.Complaints.ShouldBeEmpty();
    }
}
