using HomeStage.Tool.Servers;

namespace HomeStage.Browser.Tests;

/// <summary>The question whether a person is there, as the page puts it where a provider is configured; script and verdict of the provider are ours.</summary>
public sealed class ChallengeTests(RunningSystem running)
{
    private const string Script = """
        window.turnstile = { render(place, { sitekey, callback }) {
          const button = Object.assign(document.createElement("button"), { id: "prove", textContent: `I am a person (${sitekey})`, onclick: () => callback("proof") });
          place.append(button);
        } };
        """;

    [Fact]
    public async Task A_checkout_asks_for_a_person_says_so_when_there_is_none_and_goes_on_with_the_proof()
    {
        // The provider's siteverify, to which everybody is a person.
        using var provider = new LocalListener("""{"success":true,"hostname":"localhost"}""");
        var url = new Uri($"http://localhost:{FreePorts.Next()}");
        await using var gateway = await running.StartGatewayAsync(url, new Dictionary<string, string>
        {
            ["PUBLIC_URL"] = url.GetLeftPart(UriPartial.Authority),
            ["CHALLENGE_PROVIDER"] = "turnstile",
            ["CHALLENGE_SITE_KEY"] = "site-key",
            ["CHALLENGE_SECRET"] = "0123456789abcdef",
            ["CHALLENGE_VERIFY_URL"] = provider.Url + "siteverify",
        });
        await using var person = await Person.ArriveAsync(running, at: url);
        var page = person.Page;
        await page.RouteAsync("https://challenges.cloudflare.com/**", route => route.AbortAsync());
        await page.Locator("#credits").ClickAsync();
        var buy = page.Locator("#plans button").First;

        // Blocked, as by an extension: it says what to check.
        await buy.ClickAsync();
        await person.SeesAsync(".notice", "The challenge cannot be loaded");
        await page.UnrouteAllAsync();
        await page.RouteAsync("https://challenges.cloudflare.com/**", route => route.FulfillAsync(new() { ContentType = "text/javascript", Body = Script }));

        // Closed without an answer: nothing is bought, and the button may be pressed again.
        await buy.ClickAsync();
        await person.SeesAsync("#challenge", "I am a person (site-key)");
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        await page.Locator("#challenge .close").ClickAsync();
        await person.SeesAsync(".notice", "Show that you are a person");

        await buy.ClickAsync();
        await person.SeesAsync("#challenge", "I am a person (site-key)");
        var asked = await page.RunAndWaitForRequestAsync(() => page.Locator("#prove").ClickAsync(), request => request.Url.EndsWith("/api/v1/checkout", StringComparison.Ordinal));
        // Its key follows from that of the request which was refused: sent again, both are the same.
        asked.Headers["idempotency-key"].ShouldEndWith("-proved");
        await page.Locator("#pay").WaitForAsync(new() { Timeout = Person.Patience });
        provider.Received.ShouldHaveSingleItem().ShouldContain("response=proof");
    }
}
