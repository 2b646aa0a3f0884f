using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using HomeStage.Testing;
using Microsoft.Playwright;

namespace HomeStage.Browser.Tests;

/// <summary>
/// Sign-in in Debian's Chromium at a real OpenID Connect provider (oidc-provider), with the whole system running and a second gateway beside the
/// first: people one after another in one browser, one person in two, and programs.
/// </summary>
public sealed class SignInTests(RunningSystem scene)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task People_sign_in_and_out_in_a_shared_browser_and_on_two_devices()
    {
        var complaints = new List<string>();
        var shared = await scene.OpenAsync(complaints);
        await BuyAsync(shared, 5);

        // Alice has bought as a visitor: signing in for the first time keeps it.
        await SignInAsync(shared, "alice");
        await Assertions.Expect(shared.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        await Assertions.Expect(shared.Locator("#balance")).ToContainTextAsync("5 credits", new() { Timeout = 60_000 });
        var alice = (string)(await ReadAsync(shared, "/api/v1/session"))["accountId"]!;
        await SignOutAsync(shared);
        await Assertions.Expect(shared.Locator("#balance")).ToContainTextAsync("0 credits", new() { Timeout = 60_000 });

        // Bob, after her, in the same browser: nothing of hers, and an account of his own.
        await SignInAsync(shared, "bob");
        await Assertions.Expect(shared.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        ((string)(await ReadAsync(shared, "/api/v1/session"))["accountId"]!).ShouldNotBe(alice);
        await Assertions.Expect(shared.Locator("#balance")).ToContainTextAsync("0 credits");
        await SignOutAsync(shared);

        // Somebody who never signs in buys; then Alice is asked whether that is hers, and says no.
        await BuyAsync(shared, 5);
        await SignInAsync(shared, "alice");
        await Assertions.Expect(shared.Locator("#what")).ToContainTextAsync("5 credits", new() { Timeout = 60_000 });
        await shared.Locator("#not-mine").ClickAsync();
        await Assertions.Expect(shared.Locator("#balance")).ToContainTextAsync("5 credits", new() { Timeout = 60_000 });
        ((string)(await ReadAsync(shared, "/api/v1/session"))["accountId"]!).ShouldBe(alice);

        // Her other device, where she bought once more before she signed in; that is hers.
        var other = await scene.OpenAsync(complaints);
        await BuyAsync(other, 5);
        await SignInAsync(other, "alice");
        await other.Locator("#mine").ClickAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(other.Locator("#balance")).ToContainTextAsync("10 credits", new() { Timeout = 60_000 });
        await other.Locator("#account").ClickAsync();
        await Assertions.Expect(other.Locator("#sessions li")).ToHaveCountAsync(2);
        await MakeKeyAsync(other);

        // Everywhere means the shared browser, too.
        await other.Locator("#sign-out-everywhere").ClickAsync();
        await other.Locator("button[name=logout]").ClickAsync(new() { Timeout = 60_000 });
        await Eventually.Async(async () => (string?)(await ReadAsync(shared, "/api/v1/session"))["kind"] == "visitor", "the shared browser is signed out");
        complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_sign_in_that_ends_elsewhere_says_so_in_the_open_tab()
    {
        var page = await scene.OpenAsync([]);
        await SignInAsync(page, "erin");
        await Assertions.Expect(page.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        var cookie = (await page.Context.CookiesAsync()).Single(one => one.Name == "__Host-homestage");
        using var elsewhere = scene.Client(scene.SecondGateway, cookie.Value);
        (await elsewhere.DeleteAsync("/api/v1/sessions", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await Assertions.Expect(page.Locator(".notice")).ToContainTextAsync("You have been signed out", new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in again" }).ClickAsync();
        await Assertions.Expect(page.Locator("#providers button")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Of_two_tabs_the_one_of_the_account_that_is_left_hears_no_more_and_the_other_reads_on()
    {
        await using var person = await Person.ArriveAsync(scene);
        await SignInAsync(person.Page, "tina");
        await Assertions.Expect(person.Page.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        var (tab, requests) = await person.OpenTabAsync(person.Page.Url);
        await SignOutAsync(tab);
        await Assertions.Expect(person.Page.Locator(".notice")).ToContainTextAsync("You have been signed out", new() { Timeout = Person.Patience });

        // The first tab read for both; the one that goes on as the visitor does so now, and is told of what is its.
        await Eventually.Async(() => requests.Contains("GET /api/v1/events"), "the tab reads the stream");
        await BuyAsync(tab, 5);
        await Assertions.Expect(tab.Locator(".notice")).ToHaveCountAsync(0);
        await Eventually.Async(
            () => person.Page.EvaluateAsync<bool>("async () => { const { held, pending } = await navigator.locks.query(); return held.length === 1 && pending.length === 0; }"),
            "one tab leads, and none waits to");
    }

    [Fact]
    public async Task Photos_of_a_visitor_go_with_who_says_that_they_are_theirs_and_stay_away_from_others()
    {
        await using var person = await Person.ArriveAsync(scene);
        var page = person.Page;
        await SignInAsync(page, "nora");
        await Assertions.Expect(page.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        await SignOutAsync(page);
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await Assertions.Expect(page.Locator(".photo-state")).ToHaveCountAsync(0, new() { Timeout = Person.Patience });

        // What cannot be found out is not said.
        await page.RouteAsync(
            "**/api/v1/credits",
            route => new Uri(route.Request.Frame.Url).AbsolutePath == "/sign-in.html" ? route.FulfillAsync(new() { Status = 503 }) : route.ContinueAsync());
        await SignInAsync(page, "nora");
        await page.Locator("#mine").WaitForAsync(new() { Timeout = Person.Patience });
        await Assertions.Expect(page.Locator("#what")).ToHaveTextAsync("There are 0 rooms.");
        await page.UnrouteAllAsync();
        await page.Locator("#mine").ClickAsync();
        await person.Sees(".preview img").ToBeVisibleAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "5 credits");
        await page.ReloadAsync();
        await person.Sees(".preview img").ToBeVisibleAsync(new() { Timeout = Person.Patience });

        // Signed out, nobody sees them; they are there again after the next sign-in.
        await SignOutAsync(page);
        await page.Locator("#stage").ClickAsync();
        await person.Sees(".drop").ToBeVisibleAsync();
        await SignInAsync(page, "nora");
        await person.Sees(".preview img").ToBeVisibleAsync(new() { Timeout = Person.Patience });
        await page.Locator("#submit").ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
    }

    [Fact]
    public async Task Two_gateways_share_sessions_keys_and_revocations()
    {
        var page = await scene.OpenAsync([]);
        await SignInAsync(page, "carol");
        await Assertions.Expect(page.Locator("#account")).ToHaveTextAsync("Account", Patiently);
        var cookie = (await page.Context.CookiesAsync()).Single(one => one.Name == "__Host-homestage");
        (cookie.Secure, cookie.HttpOnly, cookie.SameSite, cookie.Path).ShouldBe((true, true, SameSiteAttribute.Lax, "/"));
        (await page.EvaluateAsync<string>("document.cookie")).ShouldBeEmpty();
        using var one = scene.Client(scene.Stack.PublicUrl, cookie.Value);
        using var two = scene.Client(scene.SecondGateway, cookie.Value);
        using var made = await one.PostAsJsonAsync("/api/v1/api-keys", new { name = "uploader", scopes = (string[])["stagings:read", "credits:read"] }, Cancel);
        made.StatusCode.ShouldBe(HttpStatusCode.Created);
        var key = JsonNode.Parse(await made.Content.ReadAsStringAsync(Cancel))!;
        using var program = scene.Program(scene.SecondGateway, (string)key["key"]!);
        (await StatusAsync(two, "/api/v1/sessions")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(program, "/api/v1/stagings")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(program, "/api/v1/api-keys")).ShouldBe(HttpStatusCode.Forbidden);
        using var stream = await two.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Cancel);
        using var programsStream = await program.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Cancel);

        // Ended at one gateway, while the other has both streams open.
        (await one.DeleteAsync($"/api/v1/api-keys/{key["id"]}", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await EndsAsync(programsStream);
        await Eventually.Async(async () => await StatusAsync(program, "/api/v1/stagings") == HttpStatusCode.Unauthorized, "the key is refused at the other gateway");
        (await one.DeleteAsync("/api/v1/sessions", Cancel)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await EndsAsync(stream);
        await Eventually.Async(async () => await StatusAsync(two, "/api/v1/sessions") == HttpStatusCode.Unauthorized, "the session has ended at the other gateway");
    }

    [Fact]
    public async Task The_providers_access_tokens_open_the_api_and_its_id_tokens_do_not()
    {
        var issuer = scene.Stack.Setting("gateway", "SIGN_IN_LOCAL_ISSUER");
        using var provider = new HttpClient();
        using var answer = await provider.PostAsync(new Uri(issuer + "/token"), new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "client_credentials",
            ["client_id"] = "homestage-program",
            ["client_secret"] = scene.Stack.Setting("gateway", "SIGN_IN_LOCAL_CLIENT_SECRET"),
            ["resource"] = scene.Stack.Setting("gateway", "SIGN_IN_LOCAL_AUDIENCE"),
            ["scope"] = "stagings:read",
        }), Cancel);
        var token = (string)JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancel))!["access_token"]!;

        using var program = scene.Program(scene.Stack.PublicUrl, token);
        (await StatusAsync(program, "/api/v1/stagings")).ShouldBe(HttpStatusCode.OK);
        (await StatusAsync(program, "/api/v1/credits")).ShouldBe(HttpStatusCode.Forbidden);
        using var changed = scene.Program(scene.Stack.PublicUrl, token[..^4] + "AAAA");
        (await StatusAsync(changed, "/api/v1/stagings")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    private static LocatorAssertionsToHaveTextOptions Patiently => new() { Timeout = 60_000 };

    private static async Task BuyAsync(IPage page, int credits)
    {
        await page.Locator("#credits").ClickAsync();
        await page.Locator("#plans button").First.ClickAsync();
        await page.Locator("#pay").ClickAsync();
        await Assertions.Expect(page.Locator("#balance")).ToContainTextAsync($"{credits} credits", new() { Timeout = 60_000 });
    }

    internal static async Task SignInAsync(IPage page, string name)
    {
        await page.Locator("#account").ClickAsync();
        await page.Locator("#providers button").ClickAsync();
        await page.Locator("input[name=name]").FillAsync(name, new() { Timeout = 60_000 });
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>A key for a program is shown when it is made, and never again.</summary>
    private static async Task MakeKeyAsync(IPage page)
    {
        await page.Locator("#programs summary").ClickAsync();
        await page.Locator("#key-name").FillAsync("uploader");
        await page.GetByRole(AriaRole.Button, new() { Name = "Make the key" }).ClickAsync();
        await Assertions.Expect(page.Locator("#programs .copyable code")).ToContainTextAsync("hs_live_");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("#keys li")).ToContainTextAsync("uploader");
        await Assertions.Expect(page.Locator("#programs .copyable")).ToHaveCountAsync(0);
    }

    /// <summary>Here, and at the provider, which asks once more.</summary>
    private static async Task SignOutAsync(IPage page)
    {
        await page.Locator("#account").ClickAsync();
        await page.Locator("#sign-out").ClickAsync();
        await page.Locator("button[name=logout]").ClickAsync(new() { Timeout = 60_000 });
        await Assertions.Expect(page.Locator("#account")).ToHaveTextAsync("Sign in", Patiently);
    }

    private static async Task<JsonNode> ReadAsync(IPage page, string path) =>
        JsonNode.Parse(await page.EvaluateAsync<string>("path => fetch(path).then(answer => answer.text())", path))!;

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Cancel);
        return answer.StatusCode;
    }

    private static async Task EndsAsync(HttpResponseMessage stream)
    {
        stream.StatusCode.ShouldBe(HttpStatusCode.OK);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            await stream.Content.CopyToAsync(Stream.Null, patience.Token);
        }
        catch (HttpRequestException)
        {
            // Cut in the middle of a chunk.
        }
    }
}
