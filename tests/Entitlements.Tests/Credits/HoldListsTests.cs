using HomeStage.Contracts;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

[Collection(nameof(OneService))]
public sealed class HoldListsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid[] _jobs = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];

    [Fact]
    public async Task All_of_a_list_are_held_or_none()
    {
        await _app.GrantAsync(_account, 5);

        var refused = await PutAsync(allOrNone: true, (_jobs[0], 2), (_jobs[1], 2), (_jobs[2], 2));

        (refused.Status, refused.Code).ShouldBe((402, "insufficient_credits"));
        ((int)refused.Body!["needed"]!, (int)refused.Body["available"]!, (Guid)refused.Body["jobId"]!).ShouldBe((6, 5, _jobs[2]));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5");

        (await PutAsync(allOrNone: true, (_jobs[0], 2), (_jobs[1], 2), (_jobs[2], 1))).Status.ShouldBe(200);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -2, hold -2, hold -1");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task As_many_as_possible_are_held_in_the_order_of_the_list()
    {
        await _app.GrantAsync(_account, 5);

        var answer = await PutAsync(allOrNone: false, (_jobs[0], 3), (_jobs[1], 4), (_jobs[2], 2));

        answer.Ok()["holds"]!.AsArray().Select(hold => $"{hold!["jobId"]} {hold["credits"]} {hold["refusal"]}").ShouldBe(
            [$"{_jobs[0]} 3 ", $"{_jobs[1]} 0 insufficient_credits", $"{_jobs[2]} 2 "]);
        (await _app.AvailableAsync(_account)).ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_list_sent_again_holds_nothing_more()
    {
        await _app.GrantAsync(_account, 10);
        (await _app.HoldAsync(_jobs[1], Hold(_account, credits: 2, quality: "draft"))).Status.ShouldBe(200);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(number =>
            PutAsync(allOrNone: number % 2 == 0, (_jobs[0], 1), (_jobs[1], 2), (_jobs[2], 3))));

        answers.ShouldAllBe(answer => answer.Status == 200 && answer.Body!["holds"]!.AsArray().Sum(hold => (int)hold!["credits"]!) == 6);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10, hold -2, hold -1, hold -3");
    }

    [Fact]
    public async Task A_job_that_was_settled_or_is_another_accounts_refuses_the_whole_list()
    {
        await _app.GrantAsync(_account, 10);
        await _app.SettleAsync(_account, _jobs[1], creditsUsed: 0, "canceled");

        var answer = await PutAsync(allOrNone: true, (_jobs[0], 1), (_jobs[1], 1));

        (answer.Status, answer.Code, (Guid)answer.Body!["jobId"]!).ShouldBe((409, "conflict", _jobs[1]));
        (await PutAsync(allOrNone: false, (_jobs[0], 1), (_jobs[1], 1))).Ok()["holds"]![1]!["refusal"]!.ToString().ShouldBe("conflict");
        (await _app.AvailableAsync(_account)).ShouldBe(9);
    }

    [Fact]
    public async Task Free_drafts_of_a_list_count_against_the_household_and_a_refused_list_does_not()
    {
        var household = $"h-{_account}";

        var refused = await PutAsync(allOrNone: true, household, "draft", (_jobs[0], 2), (_jobs[1], 2));
        (refused.Status, (int)refused.Body!["freeLeft"]!).ShouldBe((402, 3));

        var answer = await PutAsync(allOrNone: false, household, "draft", (_jobs[0], 2), (_jobs[1], 2), (_jobs[2], 1));
        answer.Ok()["holds"]!.AsArray().Select(hold => (bool)hold!["free"]!).ShouldBe([true, false, true]);
        ((int)(await _app.CreditsAsync(_account, household))["free"]!["left"]!).ShouldBe(0);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, 0, "draft", 5, "insufficient_credits", 3, false, "This costs 5 credits and you have 0. Buy credits, or ask for less.")]
    [InlineData(2, 0, "draft", 6, "insufficient_credits", 3, false, "This costs 6 credits and you have 2. Buy credits, or ask for less.")]
    [InlineData(2, 0, "standard", 5, "insufficient_credits", 3, false, "This costs 5 credits and you have 2. Buy credits, or ask for less.")]
    [InlineData(2, 0, "standard", 3, "insufficient_credits", 3, false, "This costs 3 credits and you have 2. Buy credits, or ask for less.")]
    [InlineData(0, 0, "standard", 3, "insufficient_credits", 3, true, "This costs 3 credits and you have none. In draft quality it would be free.")]
    [InlineData(0, 2, "standard", 2, "insufficient_credits", 1, false, "This costs 2 credits and you have 0. Buy credits, or ask for less.")]
    [InlineData(0, 3, "draft", 2, "free_exhausted", 0, false, "The free stagings are used up for now. Buy credits, or come back later.")]
    public async Task A_refused_list_is_told_what_there_is_for_all_of_it(
        int credits, int freeUsed, string quality, int photos, string code, int freeLeft, bool freeIfDraft, string detail)
    {
        var household = $"h-{_account}";
        for (var used = 0; used < freeUsed; used++)
            (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, quality: "draft", addressHash: household))).Status.ShouldBe(200);
        if (credits > 0)
            await _app.GrantAsync(_account, credits);

        var refused = await PutAsync(allOrNone: true, household, quality, [.. Enumerable.Range(0, photos).Select(_ => (Guid.CreateVersion7(), 1))]);

        (refused.Status, refused.Code, (string)refused.Body!["detail"]!).ShouldBe((402, code, detail));
        ((int)refused.Body["needed"]!, (int)refused.Body["available"]!, (int)refused.Body["freeLeft"]!, (bool)refused.Body["freeIfDraft"]!)
            .ShouldBe((photos, credits, freeLeft, freeIfDraft));
        (await _app.AvailableAsync(_account)).ShouldBe(credits);
    }

    [Fact]
    public async Task A_list_that_makes_no_sense_is_refused()
    {
        (await PutAsync(allOrNone: true)).Code.ShouldBe("validation_failed");
        (await PutAsync(allOrNone: true, (_jobs[0], 1), (_jobs[0], 1))).Code.ShouldBe("validation_failed");
        (await PutAsync(allOrNone: true, (_jobs[0], 0))).Code.ShouldBe("validation_failed");
        (await _app.SendAsync(HttpMethod.Put, "/internal/holds", "gateway", new { })).Status.ShouldBe(403);
    }

    private Task<Answer> PutAsync(bool allOrNone, params (Guid Job, int Credits)[] holds) => PutAsync(allOrNone, addressHash: null, "draft", holds);

    private Task<Answer> PutAsync(bool allOrNone, string? addressHash, string quality, params (Guid Job, int Credits)[] holds) =>
        _app.SendAsync(HttpMethod.Put, "/internal/holds", "staging-api", new HoldListRequest
        {
            AccountId = _account,
            AllOrNone = allOrNone,
            AddressHash = addressHash,
            Holds = [.. holds.Select(hold => new ListedHold { JobId = hold.Job, Credits = hold.Credits, Variations = Math.Max(1, hold.Credits), Quality = quality })],
        });
}
