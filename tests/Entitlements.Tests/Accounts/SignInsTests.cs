using HomeStage.Contracts;
using HomeStage.Testing;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests.Accounts;

[Collection(nameof(OneService))]
public sealed class SignInsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly string _subject = Guid.NewGuid().ToString();
    private readonly (Guid Session, Guid Account) _visitor = (Guid.CreateVersion7(), Guid.CreateVersion7());

    [Fact]
    public async Task The_first_sign_in_makes_the_visitors_account_the_members_and_ends_the_visitors_sessions()
    {
        var elsewhere = Guid.CreateVersion7();
        await _app.GrantAsync(_visitor.Account, 5);
        await SeeAsync(elsewhere, _visitor.Account);

        var (result, account) = await SignInAsync(_visitor);

        (result, account).ShouldBe(("first", _visitor.Account));
        (await _app.AvailableAsync(account)).ShouldBe(5);
        (await RevokedAsync()).ShouldContain(_visitor.Session);
        (await RevokedAsync()).ShouldContain(elsewhere);
        (await SeeAsync(_visitor.Session, _visitor.Account)).Code.ShouldBe("session_ended");
        (await SeeAsync(Guid.CreateVersion7(), _visitor.Account)).Code.ShouldBe("session_ended");
    }

    [Fact]
    public async Task A_second_device_without_things_of_its_own_is_let_in_without_a_question()
    {
        var (_, account) = await SignInAsync(_visitor);

        (await SignInAsync((Guid.CreateVersion7(), Guid.CreateVersion7()))).ShouldBe(("known", account));
        (await SignInAsync(null)).ShouldBe(("known", account));
    }

    [Fact]
    public async Task A_visitors_things_are_asked_about_and_nothing_happens_before_the_answer()
    {
        var (_, account) = await SignInAsync(null);
        await _app.GrantAsync(_visitor.Account, 5);
        await SeeAsync(_visitor.Session, _visitor.Account);

        (await SignInAsync(_visitor)).Result.ShouldBe("ask");
        (await SeeAsync(_visitor.Session, _visitor.Account)).Status.ShouldBe(204);
        (await _app.AvailableAsync(account)).ShouldBe(0);

        (await SignInAsync(_visitor, merge: true)).ShouldBe(("merged", account));
        (await _app.AvailableAsync(account)).ShouldBe(5);
        (await RevokedAsync()).ShouldContain(_visitor.Session);
        // Also one that was opened in this moment by the restore code, and is registered only now.
        (await SeeAsync(Guid.CreateVersion7(), _visitor.Account)).Code.ShouldBe("session_ended");
        await Eventually.Async(() => _app.Merges.Contains(new AccountMerged { From = _visitor.Account, Into = account }), "the others were told");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Somebody_elses_things_in_a_shared_browser_stay_theirs()
    {
        var (_, account) = await SignInAsync(null);
        await _app.GrantAsync(_visitor.Account, 5);
        await SeeAsync(_visitor.Session, _visitor.Account);

        (await SignInAsync(_visitor, merge: false)).ShouldBe(("known", account));

        (await _app.AvailableAsync(account)).ShouldBe(0);
        (await _app.AvailableAsync(_visitor.Account)).ShouldBe(5);
        (await RevokedAsync()).ShouldContain(_visitor.Session);
    }

    [Fact]
    public async Task A_visitor_who_signed_out_or_whose_account_somebody_signs_in_to_is_nobody_to_merge()
    {
        var (_, theirs) = await SignInAsync(_visitor);

        // The same browser comes with the session that has ended, and another person.
        var (result, account) = await SignInAsync(_visitor, merge: true, subject: Guid.NewGuid().ToString());

        result.ShouldBe("first");
        account.ShouldNotBe(theirs);
    }

    [Fact]
    public async Task The_same_person_from_many_browsers_at_once_has_one_account()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => SignInAsync((Guid.CreateVersion7(), Guid.CreateVersion7()))));

        answers.Select(answer => answer.Account).Distinct().ShouldHaveSingleItem();
        answers.Count(answer => answer.Result == "first").ShouldBe(1);
    }

    [Fact]
    public async Task Two_people_who_claim_one_visitor_at_once_do_not_share_an_account()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => SignInAsync(_visitor, subject: Guid.NewGuid().ToString())));

        answers.Select(answer => answer.Account).Distinct().Count().ShouldBe(6);
        answers.Count(answer => answer.Account == _visitor.Account).ShouldBe(1);
    }

    [Fact]
    public async Task A_sign_in_that_is_repeated_changes_nothing()
    {
        var session = Guid.CreateVersion7();
        var first = await SignInAsync(_visitor, session: session);
        var second = await SignInAsync(_visitor, session: session);

        second.ShouldBe(("known", first.Account));
        (await _app.AsAsync(HttpMethod.Get, "/api/v1/sessions", first.Account, session)).Ok()["items"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task An_identity_that_calls_with_a_token_has_one_account_for_calls_and_sign_ins()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ =>
            _app.SendAsync(HttpMethod.Post, "/internal/identities/resolve", "gateway", new { issuer = "https://issuer.test", subject = _subject })));

        var account = answers.Select(answer => (Guid)answer.Ok()["accountId"]!).Distinct().ShouldHaveSingleItem();
        (await SignInAsync(null)).ShouldBe(("known", account));
    }

    private async Task<(string Result, Guid Account)> SignInAsync((Guid Session, Guid Account)? old, bool? merge = null, string? subject = null, Guid? session = null)
    {
        var answer = (await _app.SendAsync(HttpMethod.Post, "/internal/sign-ins", "gateway", new
        {
            issuer = "https://issuer.test",
            subject = subject ?? _subject,
            sessionId = session ?? Guid.CreateVersion7(),
            device = "Firefox on Linux",
            old = old is { } had ? new { sessionId = had.Session, accountId = had.Account, kind = "visitor" } : null,
            merge,
        })).Ok();
        return ((string)answer["result"]!, (Guid)answer["accountId"]!);
    }

    private Task<Answer> SeeAsync(Guid session, Guid account) =>
        _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{session}", "gateway", new { accountId = account, kind = "visitor" });

    private async Task<IEnumerable<Guid>> RevokedAsync() =>
        (await _app.SendAsync(HttpMethod.Get, "/internal/revocations", "gateway")).Ok()["subjects"]!.AsArray().Select(subject => (Guid)subject!);
}
