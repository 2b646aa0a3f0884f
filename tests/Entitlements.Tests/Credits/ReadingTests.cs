using System.Text.Json.Nodes;
using HomeStage.Entitlements.Credits;
using Microsoft.EntityFrameworkCore;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class ReadingTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task Who_was_never_here_has_zeros_and_the_free_allowance_and_reading_writes_nothing()
    {
        var credits = await _app.CreditsAsync(_account, addressHash: "somebody");

        credits.ToJsonString().ShouldBe("""{"available":0,"held":0,"frozen":0,"nextExpiry":null,"grants":[],"free":{"left":3,"of":3,"windowDays":30}}""");
        (await _app.GetAsync("/api/v1/credits/entries", _account)).Ok().ToJsonString().ShouldBe("""{"items":[],"nextCursor":null}""");
        (await _app.ScalarAsync<long>($"select count(*) from accounts where id = '{_account}'")).ShouldBe(0);
        (await _app.ScalarAsync<long>("select count(*) from free_addresses where address_hash = 'somebody'")).ShouldBe(0);
    }

    [Fact]
    public async Task The_statement_reads_like_one_of_a_bank()
    {
        var order = await _app.GrantAsync(_account, 20, days: 10);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        await _app.SettleAsync(_account, _job, creditsUsed: 1);
        var failed = Guid.CreateVersion7();
        await _app.HoldAsync(failed, Hold(_account));
        await _app.SettleAsync(_account, failed, creditsUsed: 0, "failed");
        _app.Clock.Pass(TimeSpan.FromDays(10));
        await _app.SweepAsync();

        var items = (await _app.GetAsync("/api/v1/credits/entries", _account)).Ok()["items"]!.AsArray();

        items.Select(item => $"{item!["description"]}; {item["amount"]} -> {item["balanceAfter"]}").ShouldBe([
            "19 credits expired; -19 -> 0",
            "Got 1 credit back: the staging failed; 1 -> 19",
            "Set 1 credit aside for a staging; -1 -> 18",
            "Got 1 credit back: not all of the staging was delivered; 1 -> 19",
            "Used 1 credit for a staging; 0 -> 18",
            "Set 2 credits aside for a staging; -2 -> 18",
            "Bought 20 credits (value pack); 20 -> 20",
        ]);
        var capture = items[4]!;
        ((string)capture["kind"]!, (int)capture["quantity"]!, (Guid)capture["jobId"]!, (Guid)capture["orderId"]!, (string)capture["reason"]!)
            .ShouldBe(("capture", 1, _job, order, "succeeded"));
        ((Guid)capture["id"]!).Version.ShouldBe(7);
        items.ShouldAllBe(item => (Guid)item!["grantId"]! != Guid.Empty);
    }

    [Fact]
    public async Task The_statement_is_read_page_by_page_without_gap_or_repetition_while_it_grows()
    {
        await _app.GrantAsync(_account, 20);
        for (var job = 0; job < 6; job++)
            await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account));

        var seen = new List<string>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await _app.GetAsync($"/api/v1/credits/entries?limit=3&cursor={cursor}", _account)).Ok();
            seen.AddRange(page["items"]!.AsArray().Select(item => $"{item!["kind"]} {item["balanceAfter"]}"));
            cursor = (string?)page["nextCursor"];
            await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account));
        }

        seen.ShouldBe(["hold 14", "hold 15", "hold 16", "hold 17", "hold 18", "hold 19", "grant 20"]);
    }

    [Fact]
    public async Task A_page_of_accounts_that_were_merged_is_complete_and_reads_of_each_only_what_it_may_show()
    {
        var merged = Guid.CreateVersion7();
        await UseAsync(_account, 500);
        await UseAsync(merged, 500);
        // With only a few accounts in the ledger, PostgreSQL might as well read all of it.
        for (var other = 0; other < 100; other++)
            await UseAsync(Guid.CreateVersion7(), 10);

        await _app.MergeAsync(merged, _account);
        await _app.HoldAsync(_job, Hold(_account));
        await _app.ExecuteAsync("analyze ledger_entries, accounts");

        var seen = new List<Guid>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = (await _app.GetAsync($"/api/v1/credits/entries?limit=100&cursor={cursor}", _account)).Ok();
            seen.AddRange(page["items"]!.AsArray().Select(item => (Guid)item!["id"]!));
            cursor = (string?)page["nextCursor"];
        }

        seen.ShouldBe(await _app.ScalarAsync<Guid[]>($"select array_agg(id order by number desc) from ledger_entries where account_id in ('{_account}', '{merged}') and (kind <> 'merge' or quantity > 0)"));
        (await RowsReadAsync(db => db.NewestEntries(_account, 21))).ShouldBe(42);

        async Task UseAsync(Guid account, int credits)
        {
            await _app.GrantAsync(account, credits + 1);
            await _app.ExecuteAsync($"""
                select take_hold('{account}', gen_random_uuid(), 1, 1, 'standard', null, 3, '30 days', 100, '{_app.Clock.Now:O}', null)
                from generate_series(1, {credits})
                """);
        }
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("limit=many")]
    [InlineData("cursor=nonsense!")]
    [InlineData("cursor=YWJj")]
    public async Task A_page_that_makes_no_sense_is_refused(string query)
    {
        var answer = await _app.GetAsync($"/api/v1/credits/entries?{query}", _account);

        (answer.Status, answer.Code).ShouldBe((400, "validation_failed"));
    }

    [Fact]
    public async Task The_next_expiry_is_of_what_can_be_used_and_ends_first()
    {
        await _app.GrantAsync(_account, 3, days: 60);
        await _app.GrantAsync(_account, 2, days: 30);
        await _app.GrantAsync(_account, 4, days: 30);

        var next = (await _app.CreditsAsync(_account))["nextExpiry"]!;

        ((DateTimeOffset)next["at"]!, (int)next["credits"]!).ShouldBe((_app.Clock.Now.AddDays(30), 6));
    }

    [Fact]
    public async Task Nobody_sees_what_another_account_has()
    {
        await _app.GrantAsync(_account, 20);
        await _app.HoldAsync(_job, Hold(_account));
        var another = Guid.CreateVersion7();

        (await _app.CreditsAsync(another))["grants"]!.AsArray().ShouldBeEmpty();
        (await _app.EntriesAsync(another)).ShouldBeEmpty();
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(another))).Code.ShouldBe("insufficient_credits");
    }

    [Theory]
    [InlineData("/api/v1/credits")]
    [InlineData("/api/v1/credits/entries")]
    public async Task Who_is_nobody_has_to_get_a_session_first(string path)
    {
        var answer = await _app.GetAsync(path, Guid.Empty, kind: "anonymous");

        (answer.Status, answer.Code).ShouldBe((401, "unauthenticated"));
        (await _app.SendAsync(HttpMethod.Get, path, "staging-api")).Status.ShouldBe(403);
    }

    /// <summary>How many entries PostgreSQL reads to answer a query.</summary>
    private async Task<double> RowsReadAsync(Func<EntitlementsDb, IQueryable<LedgerEntry>> query)
    {
        await using var db = await _app.OpenAsync();
        await db.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var command = query(db).CreateDbCommand();
        command.CommandText = "explain (analyze, format json) " + command.CommandText;
        var plan = JsonNode.Parse((string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!)![0]!["Plan"]!;
        return Nodes(plan).Where(node => (string?)node["Relation Name"] == "ledger_entries")
            .Sum(node => ((double)node["Actual Rows"]! + ((double?)node["Rows Removed by Filter"] ?? 0)) * (double)node["Actual Loops"]!);

        static IEnumerable<JsonNode> Nodes(JsonNode node) => [node, .. node["Plans"]?.AsArray().SelectMany(child => Nodes(child!)) ?? []];
    }
}
