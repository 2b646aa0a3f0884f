using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using HomeStage.Gateway.SignIn;
using Microsoft.AspNetCore.WebUtilities;

namespace HomeStage.Gateway.Tests.SignIn;

/// <summary>The gateway with a provider whose keys the tests have. Each test is another browser.</summary>
public sealed class SignInTests(SignInScene scene) : IClassFixture<SignInScene>
{
    private readonly Stack _stack = scene.Stack;
    private readonly FakeProvider _provider = scene.Provider;
    private readonly string _subject = Guid.NewGuid().ToString();

    [Fact]
    public async Task A_visitor_signs_in_keeps_the_account_and_gets_another_session()
    {
        using var browser = new Browser(_stack);
        var before = await browser.SessionAsync();
        before.GetProperty("signInAvailable").GetBoolean().ShouldBeTrue();
        before.GetProperty("providers")[0].GetProperty("id").GetString().ShouldBe("fake");
        var visitorsCookie = browser.Cookie;

        var begun = await browser.BeginAsync(returnUrl: "/?welcome=1");
        begun["response_type"].ShouldBe("code");
        begun["response_mode"].ShouldBe("query");
        begun["code_challenge_method"].ShouldBe("S256");
        begun["redirect_uri"].ShouldBe(Stack.PublicOrigin + "/auth/callback/fake");
        begun["scope"].ShouldBe("openid");
        using var back = await browser.ReturnAsync(_provider, begun, _subject);

        back.StatusCode.ShouldBe(HttpStatusCode.Redirect);
        back.Headers.Location!.ToString().ShouldBe("/?welcome=1");
        back.SetCookie()!.ShouldContain("secure; samesite=lax; httponly");
        var after = await browser.SessionAsync();
        after.GetProperty("kind").GetString().ShouldBe("member");
        after.GetProperty("accountId").GetGuid().ShouldBe(before.GetProperty("accountId").GetGuid());
        after.GetProperty("sessionId").GetGuid().ShouldNotBe(before.GetProperty("sessionId").GetGuid());
        (after.GetProperty("expiresAt").GetDateTimeOffset() - _stack.Time.GetUtcNow()).TotalHours.ShouldBe(12, 0.1);
        // The visitor's cookie opened what is a member's account now: a copy of it is worth nothing.
        using var copy = await browser.Client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", visitorsCookie));
        (await copy.EchoAsync()).Kind.ShouldBe("Anonymous");
        using var call = await browser.SendAsync(HttpMethod.Get, "/api/v1/credits");
        var received = await call.EchoAsync();
        (received.Kind, received.AccountId).ShouldBe(("Member", before.GetProperty("accountId").GetGuid()));
    }

    [Fact]
    public async Task A_member_ends_after_twelve_idle_hours_or_thirty_days_of_use()
    {
        await using var stack = await Stack.StartAsync((_, settings) => _provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var idle = new Browser(stack);
        await idle.SignInAsync(_provider, Guid.NewGuid().ToString());
        using var busy = new Browser(stack);
        await busy.SignInAsync(_provider, Guid.NewGuid().ToString());

        for (var hours = 0; hours < 30 * 24; hours += 8)
        {
            (await busy.SessionAsync()).GetProperty("kind").GetString().ShouldBe("member", $"after {hours} hours");
            stack.Time.Advance(TimeSpan.FromHours(8));
            if (hours == 8)
                (await idle.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
        }

        (await busy.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("/\tevil")]
    [InlineData("javascript:alert(1)")]
    [InlineData("")]
    public async Task A_sign_in_leads_back_to_paths_of_ours_alone(string returnUrl)
    {
        using var browser = new Browser(_stack);
        using var answer = await browser.PostAsync("/auth/login", new { provider = "fake", returnUrl });
        await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
    }

    [Theory]
    [InlineData("/auth/login", "https://evil.example")]
    [InlineData("/auth/logout", "https://evil.example")]
    [InlineData("/auth/merge", "https://evil.example")]
    [InlineData("/auth/login", null)]
    [InlineData("/auth/logout", null)]
    public async Task Another_page_can_begin_no_sign_in_and_end_no_session(string path, string? origin)
    {
        using var browser = new Browser(_stack);
        await browser.SessionAsync();
        using var answer = await browser.Client.SendAsync(
            Http.Request(HttpMethod.Post, path, ("Cookie", browser.Cookie)).With("Origin", origin).With(JsonContent.Create(new { provider = "fake", merge = true })), TestContext.Current.CancellationToken);
        await answer.ShouldBeProblemAsync(HttpStatusCode.Forbidden, "csrf_rejected");
    }

    [Fact]
    public async Task An_attackers_answer_signs_a_victims_browser_in_to_nothing()
    {
        using var attacker = new Browser(_stack);
        using var victim = new Browser(_stack);
        await victim.SessionAsync();
        var begun = await attacker.BeginAsync();

        // The attacker's own code and state, opened by the victim.
        using var answer = await victim.ReturnAsync(_provider, begun, _subject);

        answer.Headers.Location!.ToString().ShouldBe("/?sign-in=failed");
        (await victim.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
    }

    [Fact]
    public async Task An_answer_is_good_once()
    {
        using var browser = new Browser(_stack);
        await browser.SignInAsync(_provider, _subject);
        using var again = await browser.SendAsync(HttpMethod.Get, browser.LastCallback);
        again.Headers.Location!.ToString().ShouldBe("/?sign-in=failed");
    }

    public static TheoryData<string> Forgeries =>
        ["nonce", "no nonce", "issuer", "audience", "azp", "expired", "not yet", "no subject", "none", "hmac", "stranger", "no id token", "no iss", "other iss"];

    [Theory]
    [MemberData(nameof(Forgeries))]
    public async Task An_answer_that_is_forged_in_any_part_signs_nobody_in(string forgery)
    {
        using var browser = new Browser(_stack);
        await browser.SessionAsync();
        var begun = await browser.BeginAsync();
        var (now, nonce) = (_stack.Time.GetUtcNow(), begun["nonce"]);
        await using var stranger = forgery == "stranger" ? await FakeProvider.StartAsync() : null;
        var idToken = forgery switch
        {
            "nonce" => FakeProvider.Sign(_provider.IdClaims(now, "another"), _provider.Rs256),
            "no nonce" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("nonce", null)), _provider.Rs256),
            "issuer" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("iss", "https://evil.example")), _provider.Rs256),
            "audience" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("aud", "another-client")), _provider.Rs256),
            "azp" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("azp", "another-client")), _provider.Rs256),
            "expired" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("exp", now.AddMinutes(-1).ToUnixTimeSeconds())), _provider.Rs256),
            "not yet" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("nbf", now.AddMinutes(1).ToUnixTimeSeconds())), _provider.Rs256),
            "no subject" => FakeProvider.Sign(_provider.IdClaims(now, nonce, ("sub", null)), _provider.Rs256),
            "none" => FakeProvider.WithoutSignature(_provider.IdClaims(now, nonce)),
            "hmac" => FakeProvider.Sign(_provider.IdClaims(now, nonce), _provider.PublicKeyAsSecret),
            "stranger" => FakeProvider.Sign(_provider.IdClaims(now, nonce), stranger!.Rs256),
            "no id token" => "",
            _ => FakeProvider.Sign(_provider.IdClaims(now, nonce), _provider.Rs256),
        };
        var code = _provider.CodeFor(begun["code_challenge"], begun["redirect_uri"], idToken);
        var issuer = forgery switch { "no iss" => "", "other iss" => "&iss=https%3A%2F%2Fevil.example", _ => "&iss=" + Uri.EscapeDataString(_provider.Issuer) };

        using var answer = await browser.SendAsync(HttpMethod.Get, $"/auth/callback/fake?code={code}&state={Uri.EscapeDataString(begun["state"])}{issuer}");

        answer.Headers.Location!.ToString().ShouldBe("/?sign-in=failed");
        (await browser.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
    }

    [Fact]
    public async Task Whoever_changes_their_mind_at_the_provider_stays_a_visitor()
    {
        using var browser = new Browser(_stack);
        var begun = await browser.BeginAsync();
        using var answer = await browser.SendAsync(
            HttpMethod.Get, $"/auth/callback/fake?error=access_denied&state={Uri.EscapeDataString(begun["state"])}&iss={Uri.EscapeDataString(_provider.Issuer)}");
        answer.Headers.Location!.ToString().ShouldBe("/?sign-in=canceled");
        (await browser.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");
    }

    [Fact]
    public async Task What_a_provider_says_of_a_person_is_not_logged()
    {
        using var browser = new Browser(_stack);
        var begun = await browser.BeginAsync();

        using var answer = await browser.SendAsync(
            HttpMethod.Get,
            $"/auth/callback/fake?error=marked_error&error_description=marked_person&state={Uri.EscapeDataString(begun["state"])}&iss={Uri.EscapeDataString(_provider.Issuer)}");

        answer.Headers.Location!.ToString().ShouldBe("/?sign-in=failed");
        _stack.Logs.Entries.ShouldAllBe(entry => !entry.Message.Contains("marked_"));
    }

    [Theory]
    [InlineData("?error=access_denied", "/?sign-in=failed")]
    [InlineData("?code=x&state=forged", "/?sign-in=failed")]
    [InlineData("", "/?sign-in=failed")]
    public async Task A_callback_that_nobody_began_leads_nowhere(string query, string location)
    {
        using var browser = new Browser(_stack);
        using var answer = await browser.SendAsync(HttpMethod.Get, "/auth/callback/fake" + query);
        answer.Headers.Location!.ToString().ShouldBe(location);
        answer.SetCookie().ShouldBeNull();
    }

    [Fact]
    public async Task In_a_shared_browser_the_person_is_asked_and_only_that_browser_can_answer()
    {
        scene.Entitlements.Identities[_subject] = Guid.CreateVersion7();
        await using var stack = await StartAskingAsync();
        using var browser = new Browser(stack);
        var visitor = await browser.SessionAsync();
        using (var asked = await browser.SignInAsync(_provider, _subject))
            asked.Headers.Location!.ToString().ShouldBe("/sign-in.html");
        (await browser.SessionAsync()).GetProperty("sessionId").GetGuid().ShouldBe(visitor.GetProperty("sessionId").GetGuid());

        // The waiting sign-in in another browser, whatever session that has.
        using var thief = new Browser(stack);
        await thief.SessionAsync();
        thief.Cookies["__Host-homestage-merge"] = browser.Cookies["__Host-homestage-merge"];
        using (var stolen = await thief.PostAsync("/auth/merge", new { merge = true }))
            await stolen.ShouldBeProblemAsync(HttpStatusCode.Conflict, "conflict");

        using var answer = await browser.PostAsync("/auth/merge", new { merge = false });
        (await answer.JsonAsync()).GetProperty("url").GetString().ShouldBe("/");
        (await browser.SessionAsync()).GetProperty("kind").GetString().ShouldBe("member");
        browser.Cookies.ShouldNotContainKey("__Host-homestage-merge");
        scene.Entitlements.Asked.Last(asked => asked.Path == "/internal/sign-ins").Body["merge"]!.GetValue<bool>().ShouldBeFalse();
    }

    [Fact]
    public async Task Signing_out_gives_a_fresh_visitor_ends_every_copy_and_leads_to_the_provider()
    {
        using var browser = new Browser(_stack);
        await browser.SignInAsync(_provider, _subject);
        var (member, copy) = (await browser.SessionAsync(), browser.Cookie);

        using var answer = await browser.PostAsync("/auth/logout", new { everywhere = true });

        var url = (await answer.JsonAsync()).GetProperty("url").GetString()!;
        url.ShouldStartWith(_provider.Issuer + "/end?client_id=homestage&post_logout_redirect_uri=");
        var fresh = await browser.SessionAsync();
        fresh.GetProperty("kind").GetString().ShouldBe("visitor");
        fresh.GetProperty("accountId").GetGuid().ShouldNotBe(member.GetProperty("accountId").GetGuid());
        using var old = await browser.Client.SendAsync(HttpMethod.Get, "/api/v1/credits", ("Cookie", copy));
        (await old.EchoAsync()).Kind.ShouldBe("Anonymous");
        var told = scene.Entitlements.Asked.Single(asked => asked.Path == $"/internal/sessions/{member.GetProperty("sessionId").GetGuid()}/end").Body;
        told["everywhere"]!.GetValue<bool>().ShouldBeTrue();
    }

    [Fact]
    public async Task Without_entitlements_nobody_is_signed_in_or_told_to_be_signed_out()
    {
        await using var stack = await Stack.StartAsync((_, settings) => _provider.Configure(settings), entitlements: scene.Entitlements.AnswerAsync);
        using var browser = new Browser(stack);
        await browser.SignInAsync(_provider, _subject);
        using var other = new Browser(stack);
        var begun = await other.BeginAsync();
        await stack.Entitlements.DisposeAsync();

        using var signIn = await other.ReturnAsync(_provider, begun, _subject);
        using var signOut = await browser.PostAsync("/auth/logout", new { });

        signIn.Headers.Location!.ToString().ShouldBe("/?sign-in=unavailable");
        await signOut.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        (await browser.SessionAsync()).GetProperty("kind").GetString().ShouldBe("member");
    }

    [Fact]
    public async Task A_cookie_that_no_key_decrypts_outlives_a_sign_in()
    {
        using var browser = new Browser(_stack);
        browser.Cookies[Http.CookieName] = "of-a-key-that-is-away";
        using var login = await browser.PostAsync("/auth/login", new { provider = "fake" });
        await login.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");

        browser.Cookies.Remove(Http.CookieName);
        var begun = await browser.BeginAsync();
        browser.Cookies[Http.CookieName] = "of-a-key-that-is-away";
        using var back = await browser.ReturnAsync(_provider, begun, _subject);
        back.Headers.Location!.ToString().ShouldBe("/?sign-in=unavailable");
        back.SetCookie().ShouldBeNull();
    }

    [Fact]
    public async Task A_provider_that_is_away_stops_neither_the_start_nor_anything_else()
    {
        await using var stack = await Stack.StartAsync((_, settings) =>
        {
            _provider.Configure(settings);
            settings["SIGN_IN_FAKE_ISSUER"] = "http://127.0.0.1:1";
        });
        using var browser = new Browser(stack);
        (await browser.SessionAsync()).GetProperty("kind").GetString().ShouldBe("visitor");

        using var login = await browser.PostAsync("/auth/login", new { provider = "fake" });
        await login.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
        using var bearer = await browser.Client.SendAsync(
            HttpMethod.Get, "/api/v1/credits", ("Authorization", "Bearer " + FakeProvider.Sign(_provider.AccessClaims(stack.Time.GetUtcNow(), ("iss", "http://127.0.0.1:1")), _provider.Rs256)));
        await bearer.ShouldBeProblemAsync(HttpStatusCode.ServiceUnavailable, "identity_unavailable");
    }

    [Theory]
    [InlineData("https://login.test/{tenantid}/v2.0", "https://login.test/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0", true)]
    [InlineData("https://login.test/{tenantid}/v2.0", "https://login.test/evil/v2.0", false)]
    [InlineData("https://login.test/{tenantid}/v2.0", "https://login.test/9122040d-6c67-4c5b-b112-36a304b66dad/../v2.0", false)]
    [InlineData("https://login.test/{tenantid}/v2.0", "https://evil.test/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0", false)]
    [InlineData("https://login.test", "https://login.test", true)]
    [InlineData("https://login.test", "https://login.test/", false)]
    public void An_issuer_is_the_one_described_or_a_tenant_of_it(string described, string issuer, bool matches) =>
        Issuers.Match(described, issuer).ShouldBe(matches);

    private Task<Stack> StartAskingAsync()
    {
        var entitlements = new FakeEntitlements { VisitorsHaveThings = true };
        entitlements.Identities[_subject] = Guid.CreateVersion7();
        return Stack.StartAsync((_, settings) => _provider.Configure(settings), entitlements: async context =>
        {
            var answered = await entitlements.AnswerAsync(context);
            foreach (var asked in entitlements.Asked)
                scene.Entitlements.Asked.Enqueue(asked);
            return answered;
        });
    }
}

/// <summary>A gateway, a provider and an entitlements for tests that are another browser each.</summary>
public sealed class SignInScene : IAsyncLifetime
{
    public FakeProvider Provider { get; private set; } = null!;

    public FakeEntitlements Entitlements { get; } = new();

    public Stack Stack { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Provider = await FakeProvider.StartAsync();
        Stack = await Stack.StartAsync((_, settings) => Provider.Configure(settings), entitlements: Entitlements.AnswerAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await Stack.DisposeAsync();
        await Provider.DisposeAsync();
    }
}

/// <summary>A browser: keeps every cookie, sends our origin, follows no redirects.</summary>
public sealed class Browser(Stack stack) : IDisposable
{
    public HttpClient Client { get; } = stack.Client();

    public Dictionary<string, string> Cookies { get; } = new(StringComparer.Ordinal);

    /// <summary>The Cookie header of the session alone.</summary>
    public string Cookie => $"{Http.CookieName}={Cookies[Http.CookieName]}";

    /// <summary>The callback that was called last.</summary>
    public string LastCallback { get; private set; } = "";

    public void Dispose() => Client.Dispose();

    public async Task<JsonElement> SessionAsync()
    {
        using var answer = await SendAsync(HttpMethod.Get, "/api/v1/session");
        return await answer.JsonAsync();
    }

    /// <summary>Begins a sign-in; the parameters that the provider gets.</summary>
    public async Task<Dictionary<string, string>> BeginAsync(string returnUrl = "/")
    {
        using var answer = await PostAsync("/auth/login", new { provider = "fake", returnUrl });
        var url = new Uri((await answer.JsonAsync()).GetProperty("url").GetString()!);
        return QueryHelpers.ParseQuery(url.Query).ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal);
    }

    /// <summary>Comes back from the provider, which named somebody.</summary>
    public Task<HttpResponseMessage> ReturnAsync(FakeProvider provider, Dictionary<string, string> begun, string subject)
    {
        var idToken = FakeProvider.Sign(provider.IdClaims(stack.Time.GetUtcNow(), begun["nonce"], ("sub", subject)), provider.Rs256);
        var code = provider.CodeFor(begun["code_challenge"], begun["redirect_uri"], idToken);
        LastCallback = $"/auth/callback/fake?code={code}&state={Uri.EscapeDataString(begun["state"])}&iss={Uri.EscapeDataString(provider.Issuer)}";
        return SendAsync(HttpMethod.Get, LastCallback);
    }

    public async Task<HttpResponseMessage> SignInAsync(FakeProvider provider, string subject) => await ReturnAsync(provider, await BeginAsync(), subject);

    public Task<HttpResponseMessage> PostAsync(string path, object body) => SendAsync(HttpMethod.Post, path, JsonContent.Create(body));

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body };
        if (method != HttpMethod.Get)
            request.Headers.Add("Origin", Stack.PublicOrigin);
        if (Cookies.Count > 0)
            request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        var answer = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        foreach (var line in answer.Headers.TryGetValues("Set-Cookie", out var lines) ? lines : [])
        {
            var (name, value) = line.Split(';')[0].Split('=', 2) is [var first, var second] ? (first, second) : ("", "");
            if (value.Length == 0)
                Cookies.Remove(name);
            else
                Cookies[name] = value;
        }

        return answer;
    }
}
