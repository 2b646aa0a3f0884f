using System.Text.Json.Nodes;
using HomeStage.Contracts;
using HomeStage.Hosting.Identity;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.ApiKeys;

[Collection(nameof(OneService))]
public sealed class ApiKeysTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _session = Guid.CreateVersion7();

    [Fact]
    public async Task A_key_is_shown_once_and_kept_only_as_a_hash()
    {
        var made = await CreateAsync();
        var key = (string)made["key"]!;

        ApiKeyText.IsWellFormed(key).ShouldBeTrue();
        var listed = (await MineAsync()).ShouldHaveSingleItem()!;
        listed["key"].ShouldBeNull();
        ((string)listed["hint"]!).ShouldBe($"hs_live_…{key[^4..]}");
        (await _app.ScalarAsync<string>($"select string_agg(k::text, ' ') from api_keys k where account_id = '{_account}'")).ShouldNotContain(key[8..40]);
        var resolved = (await ResolveAsync(key)).Ok();
        ((Guid)resolved["accountId"]!, (Guid)resolved["keyId"]!).ShouldBe((_account, (Guid)made["id"]!));
        resolved["scopes"]!.AsArray().Select(scope => (string)scope!).ShouldBe(["stagings:write", "stagings:read"]);
        (await MineAsync())[0]!["lastUsedAt"].ShouldNotBeNull();
    }

    [Fact]
    public async Task Only_members_manage_keys_and_only_their_own()
    {
        var id = (Guid)(await CreateAsync())["id"]!;
        foreach (var kind in (string[])["key", "visitor"])
        {
            var session = kind == "key" ? (Guid?)null : _session;
            (await _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, session, kind, Form())).Code.ShouldBe("forbidden");
            (await _app.AsAsync(HttpMethod.Get, "/api/v1/api-keys", _account, session, kind)).Code.ShouldBe("forbidden");
            (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{id}", _account, session, kind)).Code.ShouldBe("forbidden");
        }

        var stranger = Guid.CreateVersion7();
        (await _app.AsAsync(HttpMethod.Get, $"/api/v1/api-keys/{id}", stranger, _session)).Code.ShouldBe("not_found");
        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{id}", stranger, _session)).Code.ShouldBe("not_found");
        (await _app.AsAsync(HttpMethod.Get, "/api/v1/api-keys", stranger, _session)).Ok()["items"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task A_revoked_or_expired_key_opens_nothing_and_gateways_are_told()
    {
        var revoked = await CreateAsync();
        var expiring = await CreateAsync(new { name = "short", scopes = (string[])["credits:read"], expiresAt = _app.Clock.Now.AddHours(1) });

        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{revoked["id"]}", _account, _session)).Status.ShouldBe(204);
        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{revoked["id"]}", _account, _session)).Status.ShouldBe(204);

        (await ResolveAsync((string)revoked["key"]!)).Status.ShouldBe(404);
        (await ResolveAsync((string)expiring["key"]!)).Status.ShouldBe(200);
        var told = (await _app.SendAsync(HttpMethod.Get, "/internal/revocations", "gateway")).Ok()["subjects"]!.AsArray().Select(subject => (Guid)subject!);
        told.ShouldContain((Guid)revoked["id"]!);
        (await HoldAsync((Guid)revoked["id"]!)).Code.ShouldBe("key_ended");
        (await MineAsync()).Count.ShouldBe(1);

        _app.Clock.Pass(TimeSpan.FromHours(2));
        (await ResolveAsync((string)expiring["key"]!)).Status.ShouldBe(404);
        (await HoldAsync((Guid)expiring["id"]!)).Code.ShouldBe("key_ended");
    }

    [Fact]
    public async Task A_keys_monthly_credits_hold_under_concurrency_and_come_back_when_released()
    {
        await _app.GrantAsync(_account, 50);
        var key = (Guid)(await CreateAsync(new { name = "capped", scopes = (string[])["stagings:write"], monthlyCredits = 3 }))["id"]!;
        var jobs = Enumerable.Range(0, 12).Select(_ => Guid.CreateVersion7()).ToArray();

        var answers = await Task.WhenAll(jobs.Select(job => HoldAsync(key, job)));

        answers.Count(answer => answer.Status == 200).ShouldBe(3);
        answers.Count(answer => answer.Code == "key_cap_reached").ShouldBe(9);
        (await _app.AvailableAsync(_account)).ShouldBe(47);
        // The same job again is no second one; a job that delivered nothing gives its credit back to the cap.
        var taken = jobs.Zip(answers).First(pair => pair.Second.Status == 200).First;
        (await HoldAsync(key, taken)).Status.ShouldBe(200);
        await _app.SettleAsync(_account, taken, 0, "failed");
        (await HoldAsync(key)).Status.ShouldBe(200);
        (await HoldAsync(key)).Code.ShouldBe("key_cap_reached");
        var month = (await MineAsync())[0]!["thisMonth"]!;
        ((int)month["credits"]!, (int)month["stagings"]!).ShouldBe((3, 4));

        // Next month it begins anew.
        _app.Clock.Pass(TimeSpan.FromDays(31));
        (await HoldAsync(key)).Status.ShouldBe(200);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_job_that_holds_credits_is_answered_the_same_once_its_key_has_ended()
    {
        await _app.GrantAsync(_account, 5);
        var key = (Guid)(await CreateAsync())["id"]!;
        var (job, listed, another) = (Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7());
        var taken = (await HoldAsync(key, job)).Ok().ToJsonString();
        (await HoldsAsync(key, allOrNone: true, (listed, 1))).Ok();
        (await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{key}", _account, _session)).Status.ShouldBe(204);

        (await HoldAsync(key, job)).Ok().ToJsonString().ShouldBe(taken);
        (await HoldsAsync(key, allOrNone: true, (listed, 1))).Ok();

        (await HoldsAsync(key, allOrNone: true, (listed, 1), (another, 1))).Code.ShouldBe("key_ended");
        (await HoldAsync(key, job, quality: "high")).Code.ShouldBe("conflict");
        (await HoldAsync(key, job, account: Guid.CreateVersion7())).Code.ShouldBe("conflict");
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -1, hold -1");
    }

    [Fact]
    public async Task A_list_of_holds_is_bounded_by_the_keys_monthly_credits()
    {
        await _app.GrantAsync(_account, 50);
        var key = (Guid)(await CreateAsync(new { name = "capped", scopes = (string[])["stagings:write"], monthlyCredits = 5 }))["id"]!;
        Guid[] jobs = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];

        // All or none: what came before the one that is too much is not held.
        var refused = await HoldsAsync(key, allOrNone: true, (jobs[0], 2), (jobs[1], 2), (jobs[2], 2));
        (refused.Status, refused.Code).ShouldBe((402, "key_cap_reached"));
        ((int)refused.Body!["needed"]!, (int)refused.Body["available"]!, (Guid)refused.Body["jobId"]!).ShouldBe((6, 5, jobs[2]));
        (await _app.AvailableAsync(_account)).ShouldBe(50);

        // As many as possible, in the order of the list; and again, which holds nothing more.
        foreach (var _ in (int[])[1, 2])
        {
            (await HoldsAsync(key, allOrNone: false, (jobs[0], 2), (jobs[1], 4), (jobs[2], 3))).Ok()["holds"]!.AsArray()
                .Select(hold => $"{hold!["credits"]} {hold["refusal"]}").ShouldBe(["2 ", "0 key_cap_reached", "3 "]);
        }

        (await _app.AvailableAsync(_account)).ShouldBe(45);
        (await HoldAsync(key)).Code.ShouldBe("key_cap_reached");
        (await HoldsAsync(Guid.CreateVersion7(), allOrNone: true, (jobs[1], 1))).Code.ShouldBe("key_ended");
        ((int)(await MineAsync())[0]!["thisMonth"]!["credits"]!).ShouldBe(5);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Lists_and_single_holds_at_once_stay_within_the_keys_monthly_credits()
    {
        await _app.GrantAsync(_account, 100);
        var key = (Guid)(await CreateAsync(new { name = "capped", scopes = (string[])["stagings:write"], monthlyCredits = 7 }))["id"]!;

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(number => number % 3 == 0
            ? HoldAsync(key)
            : HoldsAsync(key, allOrNone: number % 3 == 1, (Guid.CreateVersion7(), 1), (Guid.CreateVersion7(), 2))));

        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Code == "key_cap_reached");
        ((int)(await MineAsync())[0]!["thisMonth"]!["credits"]!).ShouldBe(7);
        (await _app.AvailableAsync(_account)).ShouldBe(93);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_key_gets_nothing_for_free_and_spends_no_other_accounts_credits()
    {
        var key = (Guid)(await CreateAsync())["id"]!;

        (await HoldAsync(key, quality: "draft")).Code.ShouldBe("insufficient_credits");
        var stranger = Guid.CreateVersion7();
        await _app.GrantAsync(stranger, 5);
        (await HoldAsync(key, account: stranger)).Code.ShouldBe("key_ended");
    }

    [Fact]
    public async Task A_request_that_is_repeated_makes_one_key_and_another_under_its_key_is_refused()
    {
        var once = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, _session, body: Form(), key: once)));

        answers.ShouldAllBe(answer => answer.Status == 201);
        answers.Count(answer => answer.Body!["key"] is not null).ShouldBe(1);
        (await MineAsync()).Count.ShouldBe(1);
        (await _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, _session, body: Form("other"), key: once)).Code.ShouldBe("idempotency_conflict");
    }

    [Fact]
    public async Task A_refused_request_uses_its_idempotency_key_up()
    {
        foreach (var body in (object[])[Form(" "), "not an object"])
        {
            var once = Guid.NewGuid().ToString();
            var refused = await PostAsync(body, once);
            var repeated = await PostAsync(body, once);

            (refused.Status, refused.Code).ShouldBe((400, "validation_failed"));
            (repeated.Status, repeated.Code, repeated.Body!["errors"]!.ToJsonString()).ShouldBe((400, "validation_failed", refused.Body!["errors"]!.ToJsonString()));
            (await PostAsync(Form(), once)).Code.ShouldBe("idempotency_conflict");
        }

        (await MineAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_refused_for_too_many_keys_stays_refused_under_its_idempotency_key()
    {
        foreach (var number in Enumerable.Range(1, 50))
            await CreateAsync(Form($"key {number}"));
        var once = Guid.NewGuid().ToString();
        (await PostAsync(Form(), once)).Code.ShouldBe("conflict");
        await _app.AsAsync(HttpMethod.Delete, $"/api/v1/api-keys/{(await MineAsync())[0]!["id"]}", _account, _session);

        (await PostAsync(Form(), once)).Code.ShouldBe("conflict");
        (await PostAsync(Form(), Guid.NewGuid().ToString())).Status.ShouldBe(201);
    }

    [Fact]
    public async Task A_key_that_makes_no_sense_is_refused_with_the_fields()
    {
        var answer = await _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, _session, body: new
        {
            name = " ",
            scopes = (string[])["everything"],
            expiresAt = _app.Clock.Now.AddDays(-1),
            requestsPerMinute = 0,
            monthlyCredits = -1,
        });

        answer.Code.ShouldBe("validation_failed");
        answer.Body!["errors"]!.AsObject().Select(error => error.Key).ShouldBe(["name", "scopes", "expiresAt", "requestsPerMinute", "monthlyCredits"]);
    }

    [Fact]
    public async Task Requests_are_counted_by_month()
    {
        var key = (Guid)(await CreateAsync())["id"]!;
        foreach (var requests in (int[])[3, 4])
            (await _app.SendAsync(HttpMethod.Post, "/internal/api-keys/usage", "gateway", new { counts = new[] { new { keyId = key, requests } } })).Status.ShouldBe(204);

        ((long)(await MineAsync())[0]!["thisMonth"]!["requests"]!).ShouldBe(7);
    }

    private static object Form(string name = "uploader") => new { name, scopes = (string[])["stagings:read", "stagings:write"] };

    private async Task<JsonNode> CreateAsync(object? form = null)
    {
        var answer = await _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, _session, body: form ?? Form());
        answer.Status.ShouldBe(201, answer.Body?.ToString());
        return answer.Body!;
    }

    private Task<Answer> PostAsync(object body, string key) => _app.AsAsync(HttpMethod.Post, "/api/v1/api-keys", _account, _session, body: body, key: key);

    private async Task<JsonArray> MineAsync() => (await _app.AsAsync(HttpMethod.Get, "/api/v1/api-keys", _account, _session)).Ok()["items"]!.AsArray();

    private Task<Answer> ResolveAsync(string key) =>
        _app.SendAsync(HttpMethod.Post, "/internal/api-keys/resolve", "gateway", new { hash = Convert.ToHexStringLower(ApiKeyText.HashOf(key)) });

    private Task<Answer> HoldAsync(Guid key, Guid? job = null, string quality = "standard", Guid? account = null) =>
        _app.HoldAsync(job ?? Guid.CreateVersion7(), Hold(account ?? _account, quality: quality) with { ApiKeyId = key });

    private Task<Answer> HoldsAsync(Guid key, bool allOrNone, params (Guid Job, int Credits)[] holds) =>
        _app.SendAsync(HttpMethod.Put, "/internal/holds", "staging-api", new HoldListRequest
        {
            AccountId = _account,
            ApiKeyId = key,
            AllOrNone = allOrNone,
            Holds = [.. holds.Select(hold => new ListedHold { JobId = hold.Job, Credits = hold.Credits, Variations = hold.Credits, Quality = "standard" })],
        });
}
