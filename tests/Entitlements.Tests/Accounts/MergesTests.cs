using HomeStage.Contracts;
using HomeStage.Testing;
using Npgsql;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Accounts;

[Collection(nameof(OneService))]
public sealed class MergesTests(EntitlementsFixture fixture)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _from = Guid.CreateVersion7();
    private readonly Guid _into = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    [Fact]
    public async Task Everything_of_the_one_account_is_the_others_and_both_ledgers_still_add_up()
    {
        await _app.GrantAsync(_into, 1);
        await _app.GrantAsync(_from, _order, 5, days: 30);
        await _app.HoldAsync(_job, Hold(_from, credits: 2));
        var session = Guid.CreateVersion7();
        await _app.SendAsync(HttpMethod.Put, $"/internal/sessions/{session}", "gateway", new { accountId = _from, kind = "visitor" });

        (await _app.MergeAsync(_from, _into)).Ok()["accountId"]!.ToString().ShouldBe(_into.ToString());

        var credits = await _app.CreditsAsync(_into);
        ((int)credits["available"]!, (int)credits["held"]!).ShouldBe((4, 2));
        (await _app.EntriesAsync(_into)).ShouldBe("grant 1, grant 5, hold -2, merge -3, merge 3");
        (await _app.ScalarAsync<bool>($"select revoked_at = '{_app.Clock.Now:O}' from sessions where id = '{session}'")).ShouldBeTrue();
        await Eventually.Async(() => _app.Merges.Contains(new AccountMerged { From = _from, Into = _into }), "the others were told");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_comes_late_for_the_merged_account_reaches_the_other()
    {
        await _app.GrantAsync(_from, _order, 5, days: 30);
        await _app.HoldAsync(_job, Hold(_from, credits: 2));
        await _app.MergeAsync(_from, _into);

        await _app.PublishAsync(Payment(_from, Guid.CreateVersion7(), _app.Clock.Now));
        await _app.PublishAsync(Settlement(_from, _job, creditsUsed: 1));
        await _app.PublishAsync(Adjustment(_order, 1000, 1000, revision: 1));

        await Eventually.Async(async () => await _app.EntriesAsync(_into) is var entries && entries.Contains("capture 1") && entries.Contains("grant 20")
            && await _app.AvailableAsync(_into) == 20, "all three have arrived");
        (await _app.HoldAsync(_job, Hold(_into, credits: 2))).Code.ShouldBe("conflict");
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_from, credits: 20))).Status.ShouldBe(200);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_merge_sent_again_and_at_the_same_time_happens_once()
    {
        await _app.GrantAsync(_from, 5);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _app.MergeAsync(_from, _into)));

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await _app.EntriesAsync(_into)).ShouldBe("grant 5, merge -5, merge 5");
        (await _app.MergeAsync(_into, _into)).Status.ShouldBe(200);
        (await _app.ScalarAsync<long>($"select count(*) from ledger_entries where account_id = '{_into}'")).ShouldBe(1);
    }

    [Fact]
    public async Task An_account_that_somebody_signs_in_to_is_never_merged_away()
    {
        await _app.GrantAsync(_from, 5);
        await _app.SignsInAsync(_from);

        var answer = await _app.MergeAsync(_from, _into);

        (answer.Status, answer.Code).ShouldBe((409, "conflict"));
        (await _app.AvailableAsync(_from)).ShouldBe(5);
    }

    [Fact]
    public async Task An_account_is_merged_into_one_other_account_only()
    {
        await _app.MergeAsync(_from, _into);

        (await _app.MergeAsync(_from, Guid.CreateVersion7())).Code.ShouldBe("conflict");
    }

    [Fact]
    public async Task Chains_are_flattened_and_a_merge_into_a_merged_account_reaches_the_end()
    {
        var (first, last) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await _app.GrantAsync(first, 2);
        await _app.GrantAsync(_from, 3);
        await _app.MergeAsync(first, _from);
        await _app.MergeAsync(_from, last);

        (await _app.MergeAsync(_into, first)).Ok()["accountId"]!.ToString().ShouldBe(last.ToString());

        (await _app.ScalarAsync<long>($"select count(*) from accounts where merged_into = '{last}'")).ShouldBe(3);
        (await _app.AvailableAsync(last)).ShouldBe(5);
        (await _app.EntriesAsync(last)).ShouldBe("grant 2, grant 3, merge -2, merge 2, merge -2, merge 2, merge -3, merge 3");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Merges_in_both_directions_and_holds_at_once_end_in_one_account_without_a_deadlock()
    {
        var accounts = Enumerable.Range(0, 8).Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var account in accounts)
            await _app.GrantAsync(account, 4);

        var answers = await Task.WhenAll(accounts.SelectMany(from => accounts.Select(into => _app.MergeAsync(from, into)))
            .Concat(accounts.Select(account => _app.HoldAsync(Guid.CreateVersion7(), Hold(account)))));

        answers.ShouldAllBe(answer => answer.Status == 200 || answer.Status == 409);
        (await _app.ScalarAsync<long>($"select sum(remaining + held) from grants where account_id in (select coalesce(merged_into, id) from accounts where id = '{accounts[0]}')"))
            .ShouldBe(32);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_waited_for_an_account_while_it_was_merged_reaches_its_owner_while_that_is_merged()
    {
        var last = Guid.CreateVersion7();
        await _app.MergeAsync(_from, _into);
        await using var caller = await _app.Admin.OpenConnectionAsync(Cancel);
        await using var transaction = await caller.BeginTransactionAsync(Cancel);
        await LockAsync(_from);

        var merge = _app.MergeAsync(_into, last);
        await Eventually.Async(
            () => _app.ScalarAsync<bool>($"select exists (select 1 from pg_stat_activity where {caller.ProcessID} = any(pg_blocking_pids(pid)))"),
            "the merge waits for the caller");
        await LockAsync(_into);
        await transaction.CommitAsync(Cancel);

        (await merge).Status.ShouldBe(200);
        (await _app.ScalarAsync<long>($"select count(*) from accounts where merged_into = '{last}'")).ShouldBe(2);

        async Task LockAsync(Guid account)
        {
            await using var command = new NpgsqlCommand($"select from accounts where id = '{account}' for no key update", caller, transaction);
            await command.ExecuteNonQueryAsync(Cancel);
        }
    }

    [Fact]
    public async Task A_freeze_does_not_end_by_signing_in_elsewhere()
    {
        await _app.GrantAsync(_into, 1);
        await _app.GrantAsync(_from, 5);
        await _app.CommandAsync($"/support/accounts/{_from}/freeze", new { reason = "looking into it" });

        await _app.MergeAsync(_from, _into);

        (await _app.AvailableAsync(_into)).ShouldBe(0);
        (await _app.CommandAsync($"/support/accounts/{_from}/thaw", new { reason = "all is well" })).Status.ShouldBe(200);
        (await _app.AvailableAsync(_into)).ShouldBe(6);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Only_the_gateway_merges_and_names_two_accounts()
    {
        (await _app.SendAsync(HttpMethod.Post, "/internal/accounts/merge", "staging-api", new { from = _from, into = _into })).Status.ShouldBe(403);
        (await _app.MergeAsync(Guid.Empty, _into)).Code.ShouldBe("validation_failed");
        (await _app.MergeAsync(_from, Guid.Empty)).Code.ShouldBe("validation_failed");
    }
}
