using HomeStage.Entitlements.Credits;
using HomeStage.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class HoldQueueTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Holds_that_wait_for_their_account_are_taken_together_and_each_is_answered_for_itself()
    {
        var account = Guid.CreateVersion7();
        await _app.GrantAsync(account, 10);
        var jobs = Enumerable.Range(0, 6).Select(_ => Guid.CreateVersion7()).ToArray();

        Task<Answer> first;
        Task<Answer>[] others;
        await using (var someoneElse = await _app.Admin.OpenConnectionAsync(Cancel))
        await using (var transaction = await someoneElse.BeginTransactionAsync(Cancel))
        {
            await LockAsync(someoneElse, account);
            first = _app.HoldAsync(jobs[0], Hold(account, credits: 2));
            await Eventually.Async(async () => await _app.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%take_hold%'") == 1, "the first hold waits for the lock");
            // Credits for four of the five.
            others = [.. jobs[1..].Select(job => _app.HoldAsync(job, Hold(account, credits: 2)))];
            await Eventually.Async(() => _app.Services.GetRequiredService<HoldQueue>().WaitingCount == others.Length, "the others wait for the first");
            await transaction.CommitAsync(Cancel);
        }

        (await first).Status.ShouldBe(200);
        var answers = await Task.WhenAll(others);
        answers.Count(answer => answer.Status == 200).ShouldBe(4);
        answers.Single(answer => answer.Status == 402).Code.ShouldBe("insufficient_credits");
        (await _app.AvailableAsync(account)).ShouldBe(0);
        // Two transactions: the one that waited for the lock, and those that waited for it.
        (await _app.ScalarAsync<long>($"select count(distinct xmin::text) from holds where account_id = '{account}'")).ShouldBe(2);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_failure_is_everybodys_who_waited_and_the_next_hold_is_taken()
    {
        var account = Guid.CreateVersion7();
        await _app.GrantAsync(account, 10);
        await _app.ExecuteAsync("alter function take_hold rename to take_hold_away");
        try
        {
            var refused = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => _app.HoldAsync(Guid.CreateVersion7(), Hold(account))));
            refused.ShouldAllBe(answer => answer.Status >= 500 || answer.Status == 200);
            refused.ShouldContain(answer => answer.Status >= 500);
        }
        finally
        {
            await _app.ExecuteAsync("alter function take_hold_away rename to take_hold");
        }

        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(account))).Status.ShouldBe(200);
    }

    private static async Task LockAsync(NpgsqlConnection connection, Guid account)
    {
        await using var command = new NpgsqlCommand("select id from accounts where id = $1 for update", connection) { Parameters = { new() { Value = account } } };
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
