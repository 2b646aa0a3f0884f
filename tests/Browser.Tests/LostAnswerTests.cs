using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Orders whose answer was lost on its way: whatever the person does then, they are charged once.</summary>
public sealed class LostAnswerTests(RunningSystem running)
{
    [Fact]
    public async Task A_listing_whose_answer_was_lost_is_the_same_one_when_it_is_tried_again_though_the_balance_has_changed()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await person.ChooseNamedAsync("Living room.jpg", "Kitchen.jpg", "Bedroom.jpg");
        var keys = await LoseAsync(page, "/api/v1/listings", arrives: true);
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "HomeStage cannot be reached");

        // Two credits would reach for two rooms now.
        await person.SeesAsync("#balance", "2 credits");
        await person.SeesAsync("#submit", "Try again");
        await person.SeesAsync("#cost", "charged once");
        await person.Sees("#take").ToBeHiddenAsync();
        (await person.AccessibilityAsync()).ShouldBeEmpty();

        // The photo that was named first is taken away; the others remember the order.
        await page.Locator(".tray .remove").First.ClickAsync();
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "Your first order had arrived");
        await person.SeesAsync("#listing", "3 of 3 rooms are ready");
        keys.Distinct().ShouldHaveSingleItem();
        await page.Locator("#library").ClickAsync();
        await Assertions.Expect(page.Locator("#rooms li")).ToHaveCountAsync(3);
        await person.SeesAsync("#balance", "2 credits");
        await page.Locator("#stage").ClickAsync();
        await person.Sees(".preview, .tray").ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_room_whose_answer_was_lost_is_the_same_one_after_a_reload_though_it_took_the_last_credit()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        // All five, so that what is left is free, in another quality.
        await person.ChooseAsync(Person.SamplePhoto);
        await page.Locator(".options summary").ClickAsync();
        await page.Locator(".options label", new() { HasText = "4" }).Filter(new() { Has = page.Locator("[name=variations]") }).ClickAsync();
        await page.Locator("#submit").ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "1 credit");
        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await page.Locator(".options summary").ClickAsync();
        await page.Locator(".options label", new() { HasText = "1" }).Filter(new() { Has = page.Locator("[name=variations]") }).ClickAsync();
        var keys = await LoseAsync(page, "/api/v1/stagings", arrives: true);
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "HomeStage cannot be reached");
        await person.SeesAsync("#balance", "0 credits");

        await page.ReloadAsync();
        await person.SeesAsync("#submit", "Try again");
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync("#receipt", "1 credit charged");
        await Assertions.Expect(page.Locator(".notice")).ToHaveCountAsync(0);
        keys.Distinct().ShouldHaveSingleItem();
        await page.Locator("#library").ClickAsync();
        await Assertions.Expect(page.Locator("#rooms li")).ToHaveCountAsync(2);
    }

    [Theory]
    [InlineData(true, "Scandinavian")]
    [InlineData(false, "Coastal")]
    public async Task Another_choice_after_a_lost_answer_is_ordered_only_if_the_first_had_not_arrived(bool arrives, string style)
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await LoseAsync(page, "/api/v1/stagings", arrives);
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync("#submit", "Try again");
        await page.Locator(".tile", new() { HasText = "Coastal" }).ClickAsync();
        await person.SeesAsync("#submit", "Furnish this room");
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync("h1", style);
        await Assertions.Expect(page.Locator(".notice", new() { HasText = "Your first order had arrived" })).ToHaveCountAsync(arrives ? 1 : 0);
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "4 credits");
    }

    [Fact]
    public async Task A_refusal_is_forgotten_so_that_the_same_order_after_a_reload_is_a_new_one()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        var keys = new List<string>();
        await page.RouteAsync(Person.At("/api/v1/stagings"), async route =>
        {
            keys.Add(route.Request.Headers["idempotency-key"]);
            await route.FulfillAsync(new() { Status = 402, ContentType = "application/problem+json", Body = """{"code":"insufficient_credits","title":"There are not enough credits"}""" });
        });
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "There are not enough credits");
        await page.ReloadAsync();
        await person.SeesAsync("#submit", "Furnish this room");
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "There are not enough credits");
        keys.Distinct().Count().ShouldBe(2);
    }

    /// <summary>Loses the first answer from an address, or the request itself.</summary>
    /// <returns>The keys under which something was sent there.</returns>
    private static async Task<List<string>> LoseAsync(IPage page, string path, bool arrives)
    {
        var keys = new List<string>();
        await page.RouteAsync(Person.At(path), async route =>
        {
            if (route.Request.Method != "POST")
            {
                await route.ContinueAsync();
                return;
            }

            keys.Add(route.Request.Headers["idempotency-key"]);
            if (keys.Count > 1)
            {
                await route.ContinueAsync();
                return;
            }

            if (arrives)
                (await route.FetchAsync()).Ok.ShouldBeTrue();
            await route.AbortAsync();
        });
        return keys;
    }
}
