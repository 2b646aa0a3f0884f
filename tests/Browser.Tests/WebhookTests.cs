using System.Text.Json.Nodes;
using HomeStage.Testing;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>Webhooks, managed on the page and received by a server on loopback.</summary>
public sealed class WebhookTests(RunningSystem running)
{
    [Fact]
    public async Task A_member_adds_an_endpoint_tries_it_and_sends_again_what_was_delivered()
    {
        using var receiver = new LocalListener();
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await SignInTests.SignInAsync(page, "wanda");
        await page.Locator("#account", new() { HasText = "Account" }).WaitForAsync(new() { Timeout = Person.Patience });
        await page.Locator("#account").ClickAsync();
        await person.SeesAsync("#endpoints", "Nobody is told yet");
        await page.GetByText("Add an endpoint").ClickAsync();

        // What cannot be an endpoint says why, and the form stays as it is.
        await page.Locator("#endpoint-url").FillAsync("http://10.0.0.1/hook");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).ClickAsync();
        await person.Sees(".notice").ToBeVisibleAsync(new() { Timeout = Person.Patience });
        await page.Locator("#endpoint-url").FillAsync(receiver.Url + "hook");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add it" }).DblClickAsync();
        await person.SeesAsync("#webhooks .copyable code", "whsec_");
        await Assertions.Expect(page.Locator("#endpoints li")).ToHaveCountAsync(1);
        person.Requests.Count(request => request == "POST /api/v1/webhook-endpoints").ShouldBe(2);

        await page.GetByRole(AriaRole.Button, new() { Name = "Test:" }).ClickAsync();
        await person.SeesAsync(".notice", "The test has arrived");
        ((string)JsonNode.Parse(receiver.Received.ShouldHaveSingleItem())!["type"]!).ShouldBe("ping");
        await page.Locator("#endpoints summary").ClickAsync();
        await person.SeesAsync("#endpoints .lines .lines", "Delivered");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send again" }).First.ClickAsync();
        await Eventually.Async(() => receiver.Received.Count == 2, "it is sent again");
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        (await person.FitsAsync()).ShouldBeTrue();

        // Another secret is shown, and none after a reload.
        var first = await page.Locator("#webhooks .copyable code").InnerTextAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "New secret:" }).ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("#endpoints", "signs, too, until");
        (await page.Locator("#webhooks .copyable code").InnerTextAsync()).ShouldNotBe(first);
        await page.ReloadAsync();
        await person.SeesAsync("#endpoints .chip", "On");
        await Assertions.Expect(page.Locator("#webhooks .copyable")).ToHaveCountAsync(0);

        await page.GetByRole(AriaRole.Button, new() { Name = "Turn off:" }).ClickAsync();
        await person.SeesAsync("#endpoints .chip", "Off");
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete:" }).ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("#endpoints", "Nobody is told yet");
    }
}
