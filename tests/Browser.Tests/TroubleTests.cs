using System.Text.Json.Nodes;
using HomeStage.Testing;
using Microsoft.Playwright;
using Npgsql;

namespace HomeStage.Browser.Tests;

/// <summary>What goes wrong in front of the page and behind it, and what it then says.</summary>
public sealed class TroubleTests(RunningSystem running)
{
    [Fact]
    public async Task Two_tabs_share_a_stream_and_outlive_a_reload_and_a_lost_network()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.BuyAsync();
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "hang", seconds = 20, match = "/v1/images/edits" });
        await person.StageAsync();
        var (tab, requests) = await person.OpenTabAsync(person.Page.Url);
        await Assertions.Expect(tab.Locator("#progress")).ToBeVisibleAsync();
        person.Requests.Clear();
        await person.Page.ReloadAsync();
        await person.Sees("#progress").ToBeVisibleAsync();

        await person.GoOfflineAsync(true);
        await person.Sees(".offline").ToBeVisibleAsync();
        await person.GoOfflineAsync(false);
        await person.Sees(".offline").ToBeHiddenAsync();

        foreach (var page in (IPage[])[person.Page, tab])
            await Assertions.Expect(page.Locator("#result")).ToBeVisibleAsync(new() { Timeout = Person.Patience });
        await Assertions.Expect(tab.Locator("#balance")).ToContainTextAsync("4 credits", new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "4 credits");
        // The other tab took the stream over when this one was reloaded, and tells it.
        requests.ShouldContain("GET /api/v1/events");
        person.Requests.ShouldNotContain("GET /api/v1/events");
    }

    [Fact]
    public async Task A_room_whose_end_is_told_before_the_answer_that_it_is_under_way_is_shown()
    {
        await using var person = await Person.ArriveAsync(running, script: """
            window.told = [];
            window.ears = new BroadcastChannel("homestage-live");
            ears.onmessage = ({ data }) => told.push(data);
            """);
        var page = person.Page;
        await person.BuyAsync();
        await page.RouteAsync(
            url => new Uri(url).AbsolutePath.StartsWith("/api/v1/stagings/", StringComparison.Ordinal),
            async route =>
            {
                var underWay = await route.FetchAsync();
                await page.WaitForFunctionAsync("() => told.some(({ job }) => job?.status === 'succeeded')");
                await route.FulfillAsync(new() { Response = underWay });
            },
            new() { Times = 1 });

        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await page.Locator("#submit").ClickAsync();

        await page.Locator("#result").WaitForAsync();
        await person.SeesAsync("#balance", "4 credits");
    }

    [Fact]
    public async Task A_room_that_the_provider_refuses_says_why_and_that_it_cost_nothing()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.BuyAsync();
        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "moderation", match = "/v1/images/edits" });
        await person.StageAsync();
        await person.SeesAsync("#ended", "safety rules");
        await person.SeesAsync("#ended", "Nothing was charged");
        await person.SeesAsync("#balance", "5 credits");

        // The same photo, with changes.
        await person.Page.Locator("#ended a").ClickAsync();
        await person.Sees(".preview img").ToBeVisibleAsync();
        await Assertions.Expect(person.Page.Locator("#submit")).ToBeEnabledAsync();
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task Files_that_are_no_photos_say_what_to_do_and_large_ones_are_made_smaller_here()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.ChooseAsync("nothing.jpg", "image/jpeg", []);
        await person.SeesAsync(".photo-state", "is empty");
        await Assertions.Expect(person.Page.Locator("#submit")).ToBeDisabledAsync();
        await RemoveAsync();
        await person.ChooseAsync("letter.jpg", "image/jpeg", "Dear Sir or Madam,"u8.ToArray());
        await person.SeesAsync(".photo-state", "not a photo that can be read");
        await RemoveAsync();
        await person.ChooseAsync("half.jpg", "image/jpeg", [0xFF, 0xD8, 0xFF, 0xE0, 0, 0, 0, 0]);
        await person.SeesAsync(".photo-state", "damaged");
        await RemoveAsync();
        await person.ChooseAsync("huge.jpg", "image/jpeg", [0xFF, 0xD8, 0xFF, 0xE0, .. new byte[21 << 20]]);
        await person.SeesAsync(".photo-state", "larger than 20 MB");
        await RemoveAsync();
        person.Requests.ShouldNotContain("POST /api/v1/photos");

        var sent = person.Page.WaitForRequestAsync(request => request.Url.EndsWith("/api/v1/photos", StringComparison.Ordinal), new() { Timeout = Person.Patience });
        var size = await person.Page.EvaluateAsync<int>("""
            async () => {
              const canvas = Object.assign(document.createElement("canvas"), { width: 4800, height: 3600 });
              const context = canvas.getContext("2d");
              for (let i = 0; i < 30000; i++) { context.fillStyle = `hsl(${i * 37} 70% ${i % 100}%)`; context.fillRect((i * 7919) % 4800, (i * 104729) % 3600, 60, 40); }
              const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/jpeg", 1));
              const files = new DataTransfer();
              files.items.add(new File([blob], "large.jpg", { type: "image/jpeg" }));
              const input = document.getElementById("photo");
              input.files = files.files;
              input.dispatchEvent(new Event("change"));
              return blob.size;
            }
            """);
        var request = await sent;
        int.Parse((await request.AllHeadersAsync())["content-length"], System.Globalization.CultureInfo.InvariantCulture).ShouldBeLessThan(size * 2 / 3);
        await Assertions.Expect(person.Page.Locator("#submit")).ToBeEnabledAsync();

        // Sixty at once: as many as there is room for, and it says so.
        await person.Page.Locator("#photo").SetInputFilesAsync(Enumerable.Range(1, 60).Select(i => new FilePayload { Name = $"{i}.jpg", MimeType = "image/jpeg", Buffer = [] }));
        await person.SeesAsync(".notice", "11 were left out");
        await Assertions.Expect(person.Page.Locator(".tray .remove")).ToHaveCountAsync(50);
        await Assertions.Expect(person.Page.Locator(".tray .failed")).ToHaveCountAsync(49);
        await person.SeesAsync("#submit", "Furnish this room");
        person.Complaints.ShouldBeEmpty();

        Task RemoveAsync() => person.Page.Locator(".beside").GetByText("Remove").ClickAsync();
    }

    [Fact]
    public async Task Photos_outlive_a_reload_and_somebody_elses_room_is_not_there()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.ChooseAsync(Person.SamplePhoto);
        await Assertions.Expect(person.Page.Locator(".photo-state")).ToHaveCountAsync(0, new() { Timeout = Person.Patience });
        await Eventually.Async(() => person.Page.EvaluateAsync<bool>("async () => (await (await caches.open('homestage-tray')).keys()).length === 1"), "the photo is kept");
        await person.Page.ReloadAsync();
        await person.Sees(".preview img").ToBeVisibleAsync();

        await person.Page.GotoAsync($"{running.Stack.PublicUrl}stagings/{Guid.CreateVersion7()}");
        await person.SeesAsync("main", "There is no such room");
        await person.Page.GoBackAsync();
        await person.Sees(".preview img").ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_browser_without_any_storage_does_the_main_job_all_the_same()
    {
        await using var person = await Person.ArriveAsync(running, script: """
            for (const name of ["caches", "localStorage", "sessionStorage", "indexedDB"])
              Object.defineProperty(window, name, { get() { throw new DOMException("Denied", "SecurityError"); } });
            window.BroadcastChannel = class { constructor() { throw new DOMException("Denied", "SecurityError"); } };
            Object.defineProperty(navigator, "locks", { value: { request: () => Promise.reject(new DOMException("Denied", "SecurityError")) } });
            """);
        await person.BuyAsync();
        await person.StageAsync();
        await person.Page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#balance", "4 credits");
        person.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_browser_that_refuses_cookies_is_told_what_to_do()
    {
        // As Chromium's own switch does it: no cookies, and no storage either.
        using var profile = new TemporaryFolder();
        Directory.CreateDirectory(profile.File("Default"));
        await File.WriteAllTextAsync(
            profile.File("Default/Preferences"), """{"profile":{"default_content_setting_values":{"cookies":2}}}""", TestContext.Current.CancellationToken);
        await using var context = await running.OpenProfileAsync(profile.FullPath);
        await using var person = await Person.OfAsync(running, context);
        await person.SeesAsync("main", "This browser refuses cookies");
        await person.SeesAsync("main", "Allow cookies for this site");
        (await person.AccessibilityAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Two_clicks_are_one_and_the_way_back_leads_back()
    {
        await using var person = await Person.ArriveAsync(running, 1440, 900);
        var page = person.Page;
        await page.Locator("#credits").ClickAsync();
        await page.Locator("#plans button").First.DblClickAsync();
        await page.Locator("#pay").WaitForAsync(new() { Timeout = Person.Patience });
        Sent("POST /api/v1/checkout").ShouldBe(1);
        // Back from Stripe's page by the browser's own button, and there once more.
        await page.GoBackAsync();
        await page.Locator("#plans button").First.ClickAsync();
        await page.Locator("#pay").ClickAsync(new() { Timeout = Person.Patience });
        await person.SeesAsync("#purchase h2", "Your credits are here");

        await page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        // What was chosen outlives the way to another view and back, and a reload.
        await page.Locator(".tile", new() { HasText = "Japandi" }).ClickAsync();
        await page.Locator("#account").ClickAsync();
        await page.GoBackAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Radio, new() { Name = "Japandi" })).ToBeCheckedAsync();
        await Eventually.Async(() => page.EvaluateAsync<bool>("async () => (await (await caches.open('homestage-tray')).keys()).length === 1"), "the photo is kept");
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Radio, new() { Name = "Japandi" })).ToBeCheckedAsync();

        await Person.ControlAsync(running.Stack.OpenAi, "/control/faults", new { kind = "hang", match = "/v1/images/edits" });
        await page.Locator("#submit").DblClickAsync();
        // By then the provider is asked, and what hangs is not left for another test.
        await person.SeesAsync("#progress .now", "Furnishing");
        await page.Locator("#cancel").DblClickAsync();
        await page.Locator("#ended").WaitForAsync(new() { Timeout = Person.Patience });
        (Sent("POST /api/v1/stagings"), person.Requests.Count(request => request.EndsWith("/cancel", StringComparison.Ordinal))).ShouldBe((1, 1));

        await page.GetByRole(AriaRole.Button, new() { Name = "Delete" }).DblClickAsync();
        await page.Locator("dialog .danger").DblClickAsync();
        await page.Locator(".library").WaitForAsync();
        person.Requests.Count(request => request.StartsWith("DELETE", StringComparison.Ordinal)).ShouldBe(1);

        // Every view that was left is shown again, the one that is gone says so.
        await page.GoBackAsync();
        await person.SeesAsync("main", "There is no such room");
        await page.GoBackAsync();
        await person.Sees("#form").ToBeVisibleAsync();
        person.Complaints.ShouldAllBe(complaint => complaint.Contains("404"));

        int Sent(string what) => person.Requests.Count(request => request == what);
    }

    [Fact]
    public async Task What_is_said_is_in_sight_on_the_page_and_in_the_window_that_is_open_over_it()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await page.Context.GrantPermissionsAsync(["clipboard-write"]);
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        await page.RouteAsync(Person.At("/api/v1/stagings"), route => route.Request.Method == "POST" ? route.AbortAsync() : route.ContinueAsync());
        await person.ChooseAsync(Person.SamplePhoto);
        await page.EvaluateAsync("() => scrollTo(0, document.body.scrollHeight)");
        await page.Locator("#submit").ClickAsync();
        await person.Sees(".notice").ToBeInViewportAsync(new() { Ratio = 1, Timeout = Person.Patience });
        var (notice, bar) = ((await page.Locator(".notice").BoundingBoxAsync())!, (await page.Locator(".buy-bar").BoundingBoxAsync())!);
        (notice.Y + notice.Height).ShouldBeLessThan(bar.Y);
        (await person.FitsAsync()).ShouldBeTrue();
        await person.ShowAsync("said");
        await page.UnrouteAllAsync();
        await page.Locator("#submit").ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });

        await page.Locator("#share").ClickAsync();
        var link = await page.Locator(".share code").First.InnerTextAsync();
        await page.Locator(".share").GetByRole(AriaRole.Button, new() { Name = "Copy" }).First.ClickAsync();
        await person.SeesAsync(".share [role=status]", "Copied");
        // To withdraw is for ever: it asks, and says in the window that it could not be done.
        var withdraw = page.Locator(".share").GetByText("Withdraw", new() { Exact = true });
        await withdraw.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep it" }).ClickAsync();
        (await page.APIRequest.GetAsync(link)).Status.ShouldBe(200);
        await page.RouteAsync("**/disclosure", route => route.AbortAsync());
        await withdraw.ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync(".share .notice", "HomeStage cannot be reached");
        await person.Sees(".share .notice").ToBeInViewportAsync();
        (await person.AccessibilityAsync()).ShouldBeEmpty();
        await person.ShowAsync("said-in-window");
        await page.UnrouteAllAsync();
        await withdraw.ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("body > .notices .notice", "The page is withdrawn");
        await person.Sees(".notice").ToBeInViewportAsync();
        (await page.APIRequest.GetAsync(link)).Status.ShouldBe(404);
    }

    [Fact]
    public async Task A_photo_that_the_service_does_not_have_any_longer_is_sent_again()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.BuyAsync();
        await person.Page.Locator("#stage").ClickAsync();
        await person.ChooseAsync(Person.SamplePhoto);
        await Assertions.Expect(person.Page.Locator(".photo-state")).ToHaveCountAsync(0, new() { Timeout = Person.Patience });
        var account = await person.Page.EvaluateAsync<string>("() => fetch('/api/v1/session').then(answer => answer.json()).then(session => session.accountId)");
        await using (var database = NpgsqlDataSource.Create(running.Stack.AdminConnection("staging")))
        await using (var command = database.CreateCommand("update photos set expires_at = now() - interval '1 hour' where account_id = $1"))
        {
            command.Parameters.AddWithValue(Guid.Parse(account));
            (await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken)).ShouldBe(1);
        }

        await person.Page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "had to be sent again");
        await person.Page.Locator("#submit").ClickAsync();
        await person.Page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
    }

    [Fact]
    public async Task Photos_that_are_not_sent_yet_outlive_a_reload_with_their_names()
    {
        await using var person = await Person.ArriveAsync(running);
        await person.Page.RouteAsync(Person.At("/api/v1/photos"), _ => Task.CompletedTask);
        await person.ChooseNamedAsync("Kitchen.jpg", "Bedroom.jpg");
        await person.ChooseAsync("letter.jpg", "image/jpeg", "Dear Sir or Madam,"u8.ToArray());
        await Eventually.Async(() => person.Page.EvaluateAsync<bool>("async () => (await (await caches.open('homestage-tray')).keys()).length === 3"), "the photos are kept");
        await person.Page.UnrouteAllAsync();
        await person.Page.ReloadAsync();
        await Assertions.Expect(person.Page.Locator(".tray .sent")).ToHaveCountAsync(2, new() { Timeout = Person.Patience });
        await person.SeesAsync(".tray .failed", "letter.jpg is not a photo");
        await Assertions.Expect(person.Page.GetByLabel("Room of photo 2")).ToHaveValueAsync("bedroom");
    }

    [Fact]
    public async Task A_room_that_was_canceled_shows_the_pictures_that_were_there_by_then()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync();
        await person.StageAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
        await page.RouteAsync(Person.At(new Uri(page.Url).AbsolutePath.Replace("/stagings", "/api/v1/stagings", StringComparison.Ordinal)), async route =>
        {
            var job = JsonNode.Parse(await (await route.FetchAsync()).TextAsync())!;
            (job["status"], job["variations"], job["receipt"]!["released"]) = ("canceled", 2, 1);
            await route.FulfillAsync(new() { ContentType = "application/json", Body = job.ToJsonString() });
        });
        await page.ReloadAsync();
        await person.SeesAsync("h1 + p", "Canceled");
        await person.SeesAsync("#receipt", "1 credit charged, 1 given back");
        await person.Sees("#downloads a").ToHaveCountAsync(2);
        await person.ShowAsync("canceled");
    }

    [Fact]
    public async Task A_checkout_that_failed_says_what_it_means_to_people_and_is_the_same_when_it_is_tried_again()
    {
        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        var keys = new List<string>();
        page.Request += (_, request) =>
        {
            if (request.Url.EndsWith("/api/v1/checkout", StringComparison.Ordinal))
                keys.Add(request.Headers["idempotency-key"]);
        };
        // As often as billing asks by itself, and once more.
        await Person.ControlAsync(running.Stack.Stripe, "/control/faults", new { kind = "status", status = 503, match = "POST /v1/checkout/sessions", count = 6 });
        await page.Locator("#credits").ClickAsync();
        while (new Uri(page.Url).Port == running.Stack.PublicUrl.Port)
        {
            await page.Locator("#plans button").First.ClickAsync();
            await page.Locator(".notice, #pay").WaitForAsync(new() { Timeout = Person.Patience });
            if (await page.Locator(".notice").CountAsync() > 0)
            {
                await person.SeesAsync(".notice", "Nothing was charged");
                (await page.Locator(".notice").InnerTextAsync()).ShouldNotContain("Idempotency");
                await page.Locator(".notice .close").ClickAsync();
            }
        }

        keys.Count.ShouldBeGreaterThan(1);
        keys.Distinct().ShouldHaveSingleItem();
        await page.Locator("#cancel").ClickAsync();
        await Assertions.Expect(page.Locator("#orders li")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task A_connection_on_which_nothing_moves_is_given_up()
    {
        // The waits that people do not want to sit through in a test are shorter, and only those.
        await using var person = await Person.ArriveAsync(running, script: """
            const [later, timeout] = [setTimeout, AbortSignal.timeout];
            window.hurried = false;
            const hurry = (ms, limit) => ms === limit && hurried ? (hurried = false, 1000) : ms;
            window.setTimeout = (run, ms, ...rest) => later(run, hurry(ms, 30000), ...rest);
            AbortSignal.timeout = ms => timeout.call(AbortSignal, hurry(ms, 110000));
            """);
        var page = person.Page;
        await person.BuyAsync();
        await page.Locator("#stage").ClickAsync();
        var keys = new List<string>();
        await page.RouteAsync(Person.At("/api/v1/photos"), route =>
        {
            keys.Add(route.Request.Headers["idempotency-key"]);
            return keys.Count == 1 ? Task.CompletedTask : route.ContinueAsync();
        });
        await page.EvaluateAsync("() => { hurried = true; }");
        await person.ChooseAsync(Person.SamplePhoto);
        await Assertions.Expect(page.Locator(".photo-state")).ToHaveCountAsync(0, new() { Timeout = Person.Patience });
        (keys.Count, keys.Distinct().Count()).ShouldBe((2, 1));

        await page.RouteAsync(Person.At("/api/v1/stagings"), _ => Task.CompletedTask, new() { Times = 1 });
        await page.EvaluateAsync("() => { hurried = true; }");
        await page.Locator("#submit").ClickAsync();
        await person.SeesAsync(".notice", "HomeStage cannot be reached");
        await page.Locator("#submit").ClickAsync();
        await page.Locator("#result").WaitForAsync(new() { Timeout = Person.Patience });
    }

    [Fact]
    public async Task A_restore_code_asks_before_it_puts_away_what_this_browser_has()
    {
        await using var owner = await Person.ArriveAsync(running);
        await owner.BuyAsync();
        var code = await owner.Page.Locator("#purchase .copyable code").InnerTextAsync();

        await using var person = await Person.ArriveAsync(running);
        var page = person.Page;
        await person.BuyAsync(20);
        await page.Locator("#account").ClickAsync();
        await page.Locator("#code").FillAsync(code);
        await page.Locator("#restore button").ClickAsync();
        await person.SeesAsync("#ask-title", "Leave what this browser has");
        await person.ShowAsync("restore");
        await page.GetByRole(AriaRole.Button, new() { Name = "Keep it" }).ClickAsync();
        person.Requests.ShouldNotContain("POST /api/v1/session/restore");
        await page.Locator("#restore button").ClickAsync();
        await page.Locator("dialog .danger").ClickAsync();
        await person.SeesAsync("#balance", "5 credits");

        // Who has nothing loses nothing.
        await using var other = await Person.ArriveAsync(running);
        await other.Page.Locator("#account").ClickAsync();
        await other.Page.Locator("#code").FillAsync(code);
        await other.Page.Locator("#restore button").ClickAsync();
        await other.SeesAsync("#balance", "5 credits");
    }
}
