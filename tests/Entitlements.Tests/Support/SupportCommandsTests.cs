using System.Text.Json.Nodes;
using HomeStage.Testing;
using Npgsql;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Support;

[Collection(nameof(OneService))]
public sealed class SupportCommandsTests(EntitlementsFixture fixture)
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();

    [Fact]
    public async Task A_grant_of_support_is_on_the_statement_and_in_the_audit_with_who_and_why()
    {
        await _app.GrantAsync(_account, 1);

        var grant = (await _app.CommandAsync($"/support/accounts/{_account}/grants", new { credits = 3, validForDays = 14, reason = "the picture was crooked" })).Ok();

        ((string)grant["source"]!, (int)grant["remaining"]!, (string)grant["status"]!, (DateTimeOffset)grant["expiresAt"]!)
            .ShouldBe(("support", 3, "active", _app.Clock.Now.AddDays(14)));
        (await _app.AvailableAsync(_account)).ShouldBe(4);
        var newest = (await _app.GetAsync("/api/v1/credits/entries", _account)).Ok()["items"]![0]!;
        ((string)newest["description"]!).ShouldBe("Received 3 credits: the picture was crooked");
        (await _app.ScalarAsync<string>($"select actor from ledger_entries where grant_id = '{grant["id"]}'")).ShouldBe("desk-1");
        var line = (await AuditAsync(_account))[0]!;
        ((string)line["actor"]!, (string)line["action"]!, (string)line["reason"]!, line["arguments"]!.ToJsonString())
            .ShouldBe(("desk-1", "grant", "the picture was crooked", """{"credits":3,"validForDays":14}"""));
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_command_sent_again_with_its_key_is_answered_the_same_and_done_once()
    {
        await _app.GrantAsync(_account, 1);
        var key = Guid.NewGuid().ToString();
        var command = new { credits = 3, validForDays = 14, reason = "goodwill" };

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _app.CommandAsync($"/support/accounts/{_account}/grants", command, key)));

        answers.Select(answer => answer.Ok().ToJsonString()).Distinct().Count().ShouldBe(1);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 1, grant 3");
        (await AuditAsync(_account)).Count.ShouldBe(1);
        foreach (var other in new object[]
        {
            new { credits = 4, validForDays = 14, reason = "goodwill" },
            new { credits = 3, validForDays = 14, reason = "another reason" },
        })
        {
            (await _app.CommandAsync($"/support/accounts/{_account}/grants", other, key)).Code.ShouldBe("idempotency_conflict");
        }

        (await _app.SupportAsync(HttpMethod.Post, $"/support/accounts/{_account}/grants", command)).Code.ShouldBe("validation_failed");
    }

    [Fact]
    public async Task A_command_sent_again_while_it_is_carried_out_waits_for_its_answer()
    {
        await _app.GrantAsync(_account, _order, 10, days: 30);
        var grant = await _app.GrantIdAsync(_order);
        var key = Guid.NewGuid().ToString();
        await using var connection = await _app.Admin.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var lockAccount = new NpgsqlCommand($"select 1 from accounts where id = '{_account}' for update", connection, transaction);
        await lockAccount.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

        var commands = Enumerable.Range(0, 2).Select(_ => _app.CommandAsync($"/support/grants/{grant}/revoke", new { reason = "as asked" }, key)).ToArray();
        await Eventually.Async(
            async () => await _app.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 2,
            "both are under way");
        await transaction.CommitAsync(TestContext.Current.CancellationToken);

        var answers = await Task.WhenAll(commands);
        answers.Select(answer => answer.Ok().ToJsonString()).Distinct().Count().ShouldBe(1);
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10, revoke -10");
        (await AuditAsync(grant)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Extending_moves_the_end_and_brings_back_what_expired()
    {
        await _app.GrantAsync(_account, _order, 5, days: 1);
        var grant = await _app.GrantIdAsync(_order);
        await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, credits: 2));

        var extended = (await ExtendAsync(grant, 7)).Ok();
        ((DateTimeOffset)extended["expiresAt"]!).ShouldBe(_app.Clock.Now.AddDays(8));

        _app.Clock.Pass(TimeSpan.FromDays(9));
        await _app.SweepAsync();
        extended = (await ExtendAsync(grant, 2)).Ok();

        ((DateTimeOffset)extended["expiresAt"]!, (int)extended["remaining"]!, (int)extended["expired"]!).ShouldBe((_app.Clock.Now.AddDays(2), 3, 0));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -2, extend 7, expire -3, extend 2, restore 3");
        var items = (await _app.GetAsync("/api/v1/credits/entries", _account)).Ok()["items"]!.AsArray();
        ((string)items[1]!["description"]!).ShouldBe("Usable for 2 days longer: it ended early");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Extending_an_account_extends_what_is_not_over()
    {
        await _app.GrantAsync(_account, 1, days: 1);
        await _app.GrantAsync(_account, 2, days: 10);
        await _app.GrantAsync(_account, 4, days: 20);
        _app.Clock.Pass(TimeSpan.FromDays(2));

        var answer = await _app.CommandAsync($"/support/accounts/{_account}/extend", new { days = 5, reason = "we were away" });

        ((int)answer.Ok()["grants"]!).ShouldBe(2);
        var next = (await _app.CreditsAsync(_account))["nextExpiry"]!;
        ((DateTimeOffset)next["at"]!, (int)next["credits"]!).ShouldBe((_app.Clock.Now.AddDays(13), 2));
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Revoking_takes_what_is_there_and_restoring_gives_back_what_was_revoked()
    {
        await _app.GrantAsync(_account, _order, 10, days: 30);
        var grant = await _app.GrantIdAsync(_order);
        await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, credits: 4));

        var tooMany = await MoveAsync(grant, "revoke", 7);
        (tooMany.Status, tooMany.Code, (int)tooMany.Body!["possible"]!).ShouldBe((409, "conflict", 6));
        (await MoveAsync(grant, "revoke", 2)).Ok();
        (await MoveAsync(grant, "revoke")).Ok();
        (await MoveAsync(grant, "revoke")).Code.ShouldBe("conflict");
        (await MoveAsync(grant, "restore", 7)).Code.ShouldBe("conflict");
        (await MoveAsync(grant, "restore", 1)).Ok();
        var last = (await MoveAsync(grant, "restore")).Ok();

        ((int)last["remaining"]!, (int)last["held"]!, (int)last["revokedBySupport"]!).ShouldBe((6, 4, 0));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10, hold -4, revoke -2, revoke -4, restore 1, restore 5");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_correction_changes_what_a_grant_contains()
    {
        await _app.GrantAsync(_account, _order, 10, days: 30);
        var grant = await _app.GrantIdAsync(_order);

        (await MoveAsync(grant, "adjust", 5)).Ok();
        var last = (await MoveAsync(grant, "adjust", -12)).Ok();

        ((int)last["remaining"]!, (int)last["adjusted"]!).ShouldBe((3, -7));
        (await MoveAsync(grant, "adjust", -4)).Code.ShouldBe("conflict");
        (await MoveAsync(grant, "adjust", 0)).Code.ShouldBe("validation_failed");
        (await MoveAsync(grant, "adjust")).Code.ShouldBe("validation_failed");
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10, adjust 5, adjust -12");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_support_gives_back_of_money_that_was_returned_stays_gone()
    {
        await _app.GrantAsync(_account, _order, 10, days: 30);
        var grant = await _app.GrantIdAsync(_order);
        await MoveAsync(grant, "revoke", 4);
        await _app.AdjustAsync(_order, 1000, 1000, revision: 1);

        var answer = (await MoveAsync(grant, "restore")).Ok();

        ((int)answer["remaining"]!, (int)answer["revokedByPayment"]!).ShouldBe((0, 10));
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10, revoke -4, revoke -6, restore 4, revoke -4");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData(null)]
    public async Task Nothing_happens_without_a_reason(string? reason)
    {
        await _app.GrantAsync(_account, _order, 10, days: 30);
        var grant = await _app.GrantIdAsync(_order);
        var body = new JsonObject { ["reason"] = reason, ["credits"] = 1, ["validForDays"] = 1, ["days"] = 1 };

        foreach (var path in (string[])[$"accounts/{_account}/grants", $"accounts/{_account}/freeze", $"grants/{grant}/extend", $"grants/{grant}/revoke",
            "reconcile", $"orders/{_order}/check", "dead-letters/entitlements.payment-completed/resend"])
        {
            (await _app.CommandAsync("/support/" + path, body)).Code.ShouldBe("validation_failed", path);
        }

        (await _app.SupportAsync(HttpMethod.Put, $"/support/blocks/{Household()}", body)).Code.ShouldBe("validation_failed");
        body["reason"] = "good\0will";
        (await _app.CommandAsync($"/support/grants/{grant}/revoke", body)).Code.ShouldBe("validation_failed");
        body["reason"] = new string('x', 501);
        (await _app.CommandAsync($"/support/grants/{grant}/revoke", body)).Code.ShouldBe("validation_failed");
        (await _app.EntriesAsync(_account)).ShouldBe("grant 10");
        (await AuditAsync(grant)).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_does_not_exist_is_not_found_and_does_not_appear()
    {
        var nobody = Guid.CreateVersion7();

        (await _app.CommandAsync($"/support/accounts/{nobody}/grants", new { credits = 1, validForDays = 1, reason = "goodwill" })).Status.ShouldBe(404);
        (await _app.CommandAsync($"/support/accounts/{nobody}/extend", new { days = 1, reason = "goodwill" })).Status.ShouldBe(404);
        (await _app.CommandAsync($"/support/accounts/{nobody}/freeze", new { reason = "to see" })).Status.ShouldBe(404);
        (await ExtendAsync(nobody, 1)).Status.ShouldBe(404);
        (await MoveAsync(nobody, "revoke")).Status.ShouldBe(404);
        (await _app.ScalarAsync<long>($"select count(*) from accounts where id = '{nobody}'")).ShouldBe(0);
        (await AuditAsync(nobody)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(10_001, 1)]
    [InlineData(1, 0)]
    [InlineData(1, 3_651)]
    public async Task Figures_out_of_bounds_are_refused(int credits, int validForDays) =>
        (await _app.CommandAsync($"/support/accounts/{_account}/grants", new { credits, validForDays, reason = "goodwill" })).Code.ShouldBe("validation_failed");

    [Fact]
    public async Task The_audit_is_read_page_by_page()
    {
        await _app.GrantAsync(_account, 1);
        for (var number = 1; number <= 5; number++)
            await _app.CommandAsync($"/support/accounts/{_account}/grants", new { credits = number, validForDays = 1, reason = "goodwill" });

        var seen = new List<int>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await _app.SupportAsync(HttpMethod.Get, $"/support/audit?subject={_account}&limit=2&cursor={cursor}", token: TestOperators.Reading)).Ok();
            seen.AddRange(page["items"]!.AsArray().Select(line => (int)line!["arguments"]!["credits"]!));
            cursor = (string?)page["nextCursor"];
        }

        seen.ShouldBe([5, 4, 3, 2, 1]);
    }

    private Task<Answer> ExtendAsync(Guid grant, int days) => _app.CommandAsync($"/support/grants/{grant}/extend", new { days, reason = "it ended early" });

    private Task<Answer> MoveAsync(Guid grant, string kind, int? credits = null) =>
        _app.CommandAsync($"/support/grants/{grant}/{kind}", new { credits, reason = "as asked" });

    private async Task<JsonArray> AuditAsync(Guid subject) =>
        (await _app.SupportAsync(HttpMethod.Get, $"/support/audit?subject={subject}&limit=100")).Ok()["items"]!.AsArray();
}
