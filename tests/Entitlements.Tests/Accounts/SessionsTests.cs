using HomeStage.Entitlements.Accounts;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests.Accounts;

public sealed class SessionsTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _session = Guid.CreateVersion7();

    [Fact]
    public async Task A_session_appears_with_its_account_and_is_renewed_when_seen_again()
    {
        var first = _app.Clock.Now;
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => PutAsync(_account, "Firefox on Linux")));
        answers.ShouldAllBe(answer => answer.Status == 204);

        _app.Clock.Pass(TimeSpan.FromHours(1));
        (await PutAsync(_account, device: null)).Status.ShouldBe(204);

        (await _app.ScalarAsync<string>($"""
            select concat_ws(' | ', kind, device, sessions.created_at = '{first:O}', last_seen_at = '{_app.Clock.Now:O}')
            from sessions join accounts on accounts.id = account_id where sessions.id = '{_session}' and account_id = '{_account}'
            """)).ShouldBe("visitor | Firefox on Linux | t | t");
    }

    [Fact]
    public async Task A_session_cannot_change_its_account()
    {
        await PutAsync(_account, device: null);

        var answer = await PutAsync(Guid.CreateVersion7(), device: null);

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
    }

    [Fact]
    public async Task Only_sessions_that_may_still_be_alive_are_listed()
    {
        var (idle, here) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await PutAsync(_account, "Firefox on Linux", "member");
        await PutAsync(_account, "Safari on iPhone", "member", idle);
        _app.Clock.Pass(TimeSpan.FromHours(13));
        await PutAsync(_account, device: null, "member");
        (await ListedAsync(here)).ShouldBe(["Firefox on Linux", "Safari on iPhone"]);

        _app.Clock.Pass(TimeSpan.FromHours(2));
        (await ListedAsync(here)).ShouldBe(["Firefox on Linux"]);
        // Whoever asks is alive.
        (await ListedAsync(idle)).ShouldBe(["Firefox on Linux", "Safari on iPhone"]);

        _app.Clock.Pass(TimeSpan.FromDays(30));
        await PutAsync(_account, device: null, "member");
        (await ListedAsync(here)).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_visitors_session_is_listed_for_as_long_as_its_cookie_lasts()
    {
        await PutAsync(_account, "Firefox on Linux");

        _app.Clock.Pass(TimeSpan.FromDays(400));
        (await ListedAsync(Guid.CreateVersion7())).ShouldBe(["Firefox on Linux"]);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        (await ListedAsync(Guid.CreateVersion7())).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sessions_that_are_over_are_removed_and_what_was_revoked_stays_revoked()
    {
        var (revoked, visitor) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await PutAsync(_account, device: null, "member");
        await PutAsync(_account, device: null, "member", revoked);
        await PutAsync(_account, device: null, "visitor", visitor);
        _app.Clock.Pass(TimeSpan.FromDays(30));
        await EndAsync(revoked, "member");
        await EndAsync(visitor, "visitor");
        await ForgetAsync();
        (await KeptAsync()).ShouldBe(3);

        _app.Clock.Pass(TimeSpan.FromDays(2));
        await ForgetAsync();
        (await KeptAsync()).ShouldBe(1);
        (await PutAsync(_account, device: null, "member", revoked)).Status.ShouldBe(410);

        _app.Clock.Pass(TimeSpan.FromDays(400));
        await ForgetAsync();
        (await KeptAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task A_session_that_makes_no_sense_is_refused()
    {
        (await PutAsync(Guid.Empty, device: null)).Code.ShouldBe("validation_failed");
        (await PutAsync(_account, device: new string('x', 201))).Code.ShouldBe("validation_failed");
        (await PutAsync(_account, device: null, kind: "robot")).Code.ShouldBe("validation_failed");
        (await _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{_session}", "staging-api", new { })).Status.ShouldBe(403);
    }

    private Task<Answer> PutAsync(Guid account, string? device, string kind = "visitor", Guid? session = null) =>
        _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{session ?? _session}", "gateway", new { accountId = account, kind, device });

    private Task<Answer> EndAsync(Guid session, string kind) =>
        _app.SendAsync(HttpMethod.Post, $"/internal/sessions/{session}/end", "gateway", new { accountId = _account, kind, everywhere = false });

    private Task ForgetAsync() => _app.Services.GetRequiredService<OldSessions>().ForgetAsync(TestContext.Current.CancellationToken);

    private Task<long> KeptAsync() => _app.ScalarAsync<long>($"select count(*) from sessions where account_id = '{_account}'");

    /// <summary>The devices that the account is told of when one of its sessions asks.</summary>
    private async Task<IEnumerable<string>> ListedAsync(Guid asking) =>
        (await _app.AsAsync(HttpMethod.Get, "/api/v1/sessions", _account, asking)).Ok()["items"]!.AsArray().Select(item => (string)item!["device"]!);
}
