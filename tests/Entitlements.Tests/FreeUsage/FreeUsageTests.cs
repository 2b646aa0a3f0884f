using HomeStage.Testing;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.FreeUsage;

public sealed class FreeUsageTests(EntitlementsFixture fixture, TestServers servers) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();
    private readonly string _household = $"h-{Guid.NewGuid():N}";

    [Fact]
    public async Task Three_drafts_are_free_and_the_fourth_is_not()
    {
        (await FreeLeftAsync()).ShouldBe(3);

        var answer = await DraftAsync(_job, 2);
        (answer.Status, (int)answer.Body!["credits"]!, (bool)answer.Body["free"]!).ShouldBe((200, 0, true));
        (await FreeLeftAsync()).ShouldBe(1);

        answer = await DraftAsync(Guid.CreateVersion7(), 2);
        (answer.Code, (int)answer.Body!["freeLeft"]!, (bool)answer.Body["freeIfDraft"]!).ShouldBe(("insufficient_credits", 1, false));
        (await DraftAsync(Guid.CreateVersion7(), 1)).Status.ShouldBe(200);

        answer = await DraftAsync(Guid.CreateVersion7(), 1);
        (answer.Status, answer.Code, (int)answer.Body!["freeLeft"]!).ShouldBe((402, "free_exhausted", 0));
        (await _app.EntriesAsync(_account)).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_household_counts_whatever_the_account()
    {
        for (var visitor = 0; visitor < 3; visitor++)
            (await _app.HoldAsync(Guid.CreateVersion7(), Hold(Guid.CreateVersion7(), quality: "draft", addressHash: _household))).Status.ShouldBe(200);

        (await DraftAsync(_job, 1)).Code.ShouldBe("free_exhausted");
    }

    [Fact]
    public async Task Better_than_draft_is_not_free_but_the_answer_says_what_would_be()
    {
        var answer = await _app.HoldAsync(_job, Hold(_account, credits: 2, variations: 1, quality: "high", addressHash: _household));

        (answer.Status, answer.Code).ShouldBe((402, "insufficient_credits"));
        ((int)answer.Body!["freeLeft"]!, (bool)answer.Body["freeIfDraft"]!).ShouldBe((3, true));
        ((string)answer.Body["detail"]!).ShouldBe("This costs 2 credits and you have none. In draft quality it would be free.");
        (await FreeLeftAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task A_program_has_nothing_for_free()
    {
        (await _app.HoldAsync(_job, Hold(_account, quality: "draft", addressHash: null))).Code.ShouldBe("insufficient_credits");

        var credits = (await _app.GetAsync("/api/v1/credits", _account, kind: "key", addressHash: _household)).Ok();
        ((int)credits["free"]!["left"]!).ShouldBe(0);
    }

    [Fact]
    public async Task Who_has_credits_pays_with_them()
    {
        await _app.GrantAsync(_account, 1);

        ((bool)(await DraftAsync(_job, 1)).Body!["free"]!).ShouldBeFalse();
        ((bool)(await DraftAsync(Guid.CreateVersion7(), 1)).Body!["free"]!).ShouldBeTrue();
    }

    [Fact]
    public async Task Two_holds_racing_for_the_last_free_staging_leave_exactly_one_unpaid()
    {
        for (var round = 0; round < 20; round++)
        {
            var household = $"h-{Guid.NewGuid():N}";
            await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, credits: 2, quality: "draft", addressHash: household));

            var answers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ =>
                _app.HoldAsync(Guid.CreateVersion7(), Hold(Guid.CreateVersion7(), quality: "draft", addressHash: household))));

            answers.Select(answer => answer.Status).Order().ShouldBe([200, 402]);
        }

        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(3, "succeeded", 0)]
    [InlineData(2, "succeeded", 1)]
    [InlineData(0, "succeeded", 0)]
    [InlineData(1, "canceled", 2)]
    [InlineData(0, "failed", 3)]
    [InlineData(0, "canceled", 3)]
    public async Task Exactly_what_was_not_delivered_is_free_again(int creditsUsed, string outcome, int left)
    {
        await DraftAsync(_job, 3);

        (await _app.SettleAsync(_account, _job, creditsUsed, outcome)).Result.ShouldBe("settled");
        (await _app.SettleAsync(_account, _job, creditsUsed, outcome)).Result.ShouldBe("repeated");

        (await FreeLeftAsync()).ShouldBe(left);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_window_rolls()
    {
        await DraftAsync(Guid.CreateVersion7(), 1);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        await DraftAsync(Guid.CreateVersion7(), 2);

        _app.Clock.Pass(TimeSpan.FromDays(29));
        (await FreeLeftAsync()).ShouldBe(1);
        _app.Clock.Pass(TimeSpan.FromDays(1));
        (await FreeLeftAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task The_budget_of_a_day_caps_the_whole_installation_even_at_once()
    {
        await using var app = await StartAsync(servers, settings: new(StringComparer.Ordinal) { ["FREE_DAILY_BUDGET"] = "5" });

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(visitor =>
            app.HoldAsync(Guid.CreateVersion7(), Hold(Guid.CreateVersion7(), quality: "draft", addressHash: $"h-{visitor}"))));

        answers.Count(answer => answer.Status == 200).ShouldBe(5);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Code == "free_exhausted");
        ((int)(await app.CreditsAsync(_account, _household))["free"]!["left"]!).ShouldBe(0);

        app.Clock.Pass(TimeSpan.FromDays(1));
        (await app.HoldAsync(_job, Hold(_account, quality: "draft", addressHash: _household))).Status.ShouldBe(200);
        (await app.ViolationsAsync()).ShouldBeEmpty();
    }

    private async Task<int> FreeLeftAsync() => (int)(await _app.CreditsAsync(_account, _household))["free"]!["left"]!;

    private Task<Answer> DraftAsync(Guid job, int variations) =>
        _app.HoldAsync(job, Hold(_account, credits: variations, quality: "draft", addressHash: _household));
}
