using System.IO.Compression;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Several photos at once, on the page.</summary>
public sealed class ListingTests(RunningSystem running)
{
    [Fact]
    public async Task Several_photos_become_a_listing_as_far_as_the_credits_reach()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await person.ChooseNamedAsync("IMG_1.jpg", "Kitchen 1.jpg", "dining-room.jpg", "IMG_2.jpg");
        await person.SeesAsync("#desk-title", "4 photos make a listing");
        await Assertions.Expect(page.Locator(".tray .sent")).ToHaveCountAsync(4, new() { Timeout = Person.Patience });
        string[] rooms = ["living_room", "kitchen", "dining_room", "living_room"];
        for (var i = 0; i < rooms.Length; i++)
            await Assertions.Expect(page.GetByLabel($"Room of photo {i + 1}")).ToHaveValueAsync(rooms[i]);
        await page.GetByLabel("Room of photo 4").SelectOptionAsync("bedroom");
        await page.GetByLabel("Name of the listing").FillAsync("12 Elm Street");

        // Two pictures of each are eight; five credits reach for two rooms, and it is for the person to say so.
        await page.Locator(".options summary").ClickAsync();
        await page.Locator(".options label", new() { HasText = "2" }).Filter(new() { Has = page.Locator("[name=variations]") }).ClickAsync();
        await person.SeesAsync("#cost", "8 credits");
        await person.SeesAsync("#submit", "Get credits");
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        (await person.FitsAsync()).ShouldBeTrue();
        await page.Locator("#take label", new() { HasText = "Only the first 2" }).ClickAsync();
        await person.SeesAsync("#cost", "4 credits");
        await page.Locator("#submit").DblClickAsync();

        await person.SeesAsync("h1", "12 Elm Street");
        await person.SeesAsync("#listing", "2 of 2 rooms are ready");
        await person.SeesAsync("#listing", "4 credits charged");
        await person.SeesAsync("#balance", "1 credit");
        person.Requests.Count(request => request == "POST /api/v1/listings").ShouldBe(1);
        await person.SeesAsync("#items li:nth-child(4)", "there were not enough credits");
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        (await person.FitsAsync()).ShouldBeTrue();
        var download = await page.RunAndWaitForDownloadAsync(() => page.GetByText("Download all").ClickAsync());
        await using (var zip = await ZipFile.OpenReadAsync(await download.PathAsync(), TestContext.Current.CancellationToken))
            zip.Entries.Count.ShouldBe(8);

        // A room of it and back; the library has it; what was left out still waits.
        var listing = new Uri(page.Url).AbsolutePath;
        await page.Locator("#items a").First.ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await page.GetByText("Part of a listing").ClickAsync();
        await page.Locator("#listing").WaitForAsync();
        await page.Locator("#library").ClickAsync();
        await page.Locator(".filters label", new() { HasText = "Listings" }).ClickAsync();
        await person.SeesAsync("#listings", "12 Elm Street");
        await Assertions.Expect(page.Locator("#listings .mosaic img")).ToHaveCountAsync(2);
        await page.Locator("#stage").ClickAsync();
        await Assertions.Expect(page.Locator(".tray li:not(.more)")).ToHaveCountAsync(2);

        await using var stranger = await Person.ArriveAsync(running);
        await stranger.GoAsync(listing);
        await stranger.SeesAsync("main", "There is no such room");

        await person.GoAsync(listing);
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync(".library", "No rooms yet");
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_listing_that_is_canceled_keeps_what_is_ready_and_a_photo_that_is_no_photo_stops_nothing()
    {
        await using var person = await Person.ArriveAsync(running, 1440, 900);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "hang", count = 3, match = "/v1/images/edits" });
        await person.ChooseNamedAsync("1.jpg", "2.jpg", "3.jpg");
        await person.ChooseAsync("letter.jpg", "image/jpeg", "Dear Sir or Madam,"u8.ToArray());
        await person.SeesAsync(".tray .failed", "not a photo that can be read");
        await person.SeesAsync("#submit", "Furnish 3 rooms");
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync("#listing", "0 of 3 rooms are ready");
        await person.SeesAsync("#listing", "3 credits set aside");
        // The same in another tab, without another stream.
        var (tab, _) = await person.OpenTabAsync(page.Url);
        await page.Locator("#cancel").ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("#listing", "0 credits charged, 3 given back");
        await Assertions.Expect(tab.Locator("#items")).ToContainTextAsync("Canceled", new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "5 credits");
        await Person.ForgetFaultsAsync(running.Stack.OpenAi);
        person.Complaints.ShouldBeEmpty();
    }
}
