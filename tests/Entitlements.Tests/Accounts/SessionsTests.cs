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
    public async Task A_session_that_makes_no_sense_is_refused()
    {
        (await PutAsync(Guid.Empty, device: null)).Code.ShouldBe("validation_failed");
        (await PutAsync(_account, device: new string('x', 201))).Code.ShouldBe("validation_failed");
        (await PutAsync(_account, device: null, kind: "robot")).Code.ShouldBe("validation_failed");
        (await _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{_session}", "staging-api", new { })).Status.ShouldBe(403);
    }

    private Task<Answer> PutAsync(Guid account, string? device, string kind = "visitor") =>
        _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{_session}", "gateway", new { accountId = account, kind, device });
}
