using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class HoldsTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task A_hold_takes_credits_out_of_the_balance_and_settling_captures_them()
    {
        var order = await _app.GrantAsync(_account, 20);

        var answer = await _app.HoldAsync(_job, Hold(_account, credits: 2));

        answer.Status.ShouldBe(200);
        answer.Body!.ToJsonString().ShouldBe($$"""{"jobId":"{{_job}}","credits":2,"free":false}""");
        var balance = await _app.CreditsAsync(_account);
        ((int)balance["available"]!, (int)balance["held"]!).ShouldBe((18, 2));

        var settled = await _app.SettleAsync(_account, _job, creditsUsed: 2);

        (settled.Result, settled.Captured, settled.Released).ShouldBe(("settled", 2, 0));
        balance = await _app.CreditsAsync(_account);
        ((int)balance["available"]!, (int)balance["held"]!).ShouldBe((18, 0));
        ((Guid)balance["grants"]![0]!["orderId"]!).ShouldBe(order);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, hold -2, capture 2");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Repeating_a_hold_gives_the_same_answer_and_takes_nothing_more()
    {
        await _app.GrantAsync(_account, 5);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _app.HoldAsync(_job, Hold(_account, credits: 3))));

        answers.ShouldAllBe(answer => answer.Status == 200 && (int)answer.Body!["credits"]! == 3);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -3");
    }

    [Theory]
    [InlineData(4, 3, "standard")]
    [InlineData(3, 4, "standard")]
    [InlineData(3, 3, "high")]
    public async Task A_hold_with_other_figures_for_the_same_job_is_a_conflict(int credits, int variations, string quality)
    {
        await _app.GrantAsync(_account, 20);
        await _app.HoldAsync(_job, Hold(_account, 3, 3, "standard"));

        var answer = await _app.HoldAsync(_job, Hold(_account, credits, variations, quality));

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 20, hold -3");
    }

    [Fact]
    public async Task A_hold_of_another_account_for_the_same_job_is_a_conflict()
    {
        var another = Guid.CreateVersion7();
        await _app.GrantAsync(_account, 20);
        await _app.GrantAsync(another, 20);
        await _app.HoldAsync(_job, Hold(_account, 3));

        var answer = await _app.HoldAsync(_job, Hold(another, 3));

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
        (await _app.AvailableAsync(another)).ShouldBe(20);
    }

    [Fact]
    public async Task A_hold_is_all_or_nothing_and_says_what_is_missing()
    {
        await _app.GrantAsync(_account, 3);

        var answer = await _app.HoldAsync(_job, Hold(_account, credits: 4, quality: "draft", addressHash: $"h-{_account}"));

        (answer.Status, answer.Code).ShouldBe((402, "insufficient_credits"));
        var problem = answer.Body!;
        ((int)problem["needed"]!, (int)problem["available"]!, (int)problem["freeLeft"]!, (bool)problem["freeIfDraft"]!).ShouldBe((4, 3, 3, false));
        ((string)problem["detail"]!).ShouldBe("This costs 4 credits and you have 3. Buy credits, or ask for less.");
        (await _app.EntriesAsync(_account)).ShouldBe("grant 3");
    }

    [Fact]
    public async Task Two_holds_racing_for_the_last_credit_leave_exactly_one_unpaid()
    {
        for (var round = 0; round < 20; round++)
        {
            var account = Guid.CreateVersion7();
            await _app.GrantAsync(account, 1);

            var answers = await Task.WhenAll(
                _app.HoldAsync(Guid.CreateVersion7(), Hold(account)), _app.HoldAsync(Guid.CreateVersion7(), Hold(account)));

            answers.Select(answer => answer.Status).Order().ShouldBe([200, 402]);
        }

        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Credits_that_end_first_are_used_first_and_what_is_not_used_comes_back()
    {
        var later = await _app.GrantAsync(_account, 3, days: 60);
        var sooner = await _app.GrantAsync(_account, 2, days: 30);
        await _app.HoldAsync(_job, Hold(_account, credits: 4));

        var settled = await _app.SettleAsync(_account, _job, creditsUsed: 1, "succeeded");

        (settled.Captured, settled.Released).ShouldBe((1, 3));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 3, grant 2, hold -2, hold -2, capture 1, release 1, release 2");
        var grants = (await _app.CreditsAsync(_account))["grants"]!.AsArray();
        grants.ToDictionary(grant => (Guid)grant!["orderId"]!, grant => (int)grant!["remaining"]!)
            .ShouldBe(new Dictionary<Guid, int> { [later] = 3, [sooner] = 1 }, ignoreOrder: true);
    }

    [Fact]
    public async Task The_first_settlement_stands()
    {
        await _app.GrantAsync(_account, 5);
        await _app.HoldAsync(_job, Hold(_account, credits: 4));
        await _app.SettleAsync(_account, _job, creditsUsed: 1);

        (await _app.SettleAsync(_account, _job, creditsUsed: 1)).Result.ShouldBe("repeated");
        (await _app.SettleAsync(_account, _job, creditsUsed: 4)).Result.ShouldBe("contradicted");
        (await _app.SettleAsync(_account, _job, creditsUsed: 0, "failed")).Result.ShouldBe("contradicted");

        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -4, capture 1, release 3");
        (await _app.HoldAsync(_job, Hold(_account, credits: 4))).Code.ShouldBe("conflict");
    }

    [Fact]
    public async Task A_hold_of_a_job_that_was_settled_before_is_refused()
    {
        await _app.GrantAsync(_account, 5);

        (await _app.SettleAsync(_account, _job, creditsUsed: 0, "failed")).Result.ShouldBe("before_hold");
        var answer = await _app.HoldAsync(_job, Hold(_account));

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
        (await _app.AvailableAsync(_account)).ShouldBe(5);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_settlement_and_its_hold_at_the_same_moment_leave_nothing_held()
    {
        for (var round = 0; round < 20; round++)
        {
            var (account, job) = (Guid.CreateVersion7(), Guid.CreateVersion7());
            await _app.GrantAsync(account, 1);

            var hold = _app.HoldAsync(job, Hold(account));
            await Task.WhenAll(hold, _app.SettleAsync(account, job, creditsUsed: 0, "failed"));

            (await hold).Status.ShouldBeOneOf(200, 409);
            (await _app.AvailableAsync(account)).ShouldBe(1);
        }
    }

    [Theory]
    [InlineData("""{"accountId":"00000000-0000-0000-0000-000000000000","credits":1,"variations":1,"quality":"draft"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":0,"variations":1,"quality":"draft"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":-5,"variations":1,"quality":"draft"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":1,"variations":0,"quality":"draft"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":1,"variations":1,"quality":"best"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":1,"variations":1}""")]
    [InlineData("""{"credits":1,"variations":1,"quality":"draft"}""")]
    [InlineData("""{"accountId":"0198c0de-0000-7000-8000-000000000001","credits":1,"variations":1,"quality":"draft","addressHash":""}""")]
    public async Task A_request_that_makes_no_sense_is_refused(string body)
    {
        var answer = await _app.SendAsync(HttpMethod.Put, $"/internal/holds/{_job}", "staging-api", System.Text.Json.Nodes.JsonNode.Parse(body));

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
    }

    [Fact]
    public async Task Only_staging_api_may_hold()
    {
        var answer = await _app.SendAsync(HttpMethod.Put, $"/internal/holds/{_job}", "gateway", Hold(_account));

        (answer.Status, answer.Code).ShouldBe((403, "forbidden"));
    }

    [Fact]
    public async Task A_settlement_that_uses_more_than_the_job_costs_is_refused_and_changes_nothing()
    {
        await _app.GrantAsync(_account, 5);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));

        await Should.ThrowAsync<Npgsql.PostgresException>(() => _app.SettleAsync(_account, _job, creditsUsed: 3));

        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -2");
    }
}
