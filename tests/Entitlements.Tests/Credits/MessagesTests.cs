using System.Diagnostics.Metrics;
using HomeStage.Testing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;
using static HomeStage.Entitlements.Tests.EntitlementsApp;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class MessagesTests(EntitlementsFixture fixture, TestServers servers) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;
    private readonly Guid _account = Guid.CreateVersion7();
    private readonly Guid _order = Guid.CreateVersion7();
    private readonly Guid _job = Guid.CreateVersion7();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_payment_grants_credits_until_its_days_are_over_and_tells_the_account()
    {
        var paidAt = _app.Clock.Now.AddHours(-1);

        await _app.PublishAsync(Payment(_account, _order, paidAt));

        await Eventually.Async(async () => await _app.AvailableAsync(_account) == 20, "the credits are there");
        ((DateTimeOffset)(await _app.CreditsAsync(_account))["grants"]![0]!["expiresAt"]!).ShouldBe(paidAt.AddDays(365));
        await Eventually.Async(() => _app.CreditsChanged.Contains(_account), "the change was told");
    }

    [Fact]
    public async Task What_happens_to_credits_is_counted()
    {
        // Where nothing happens to the credits of others.
        await using var app = await StartAsync(servers);
        using var counters = new CreditCounters(app.Services.GetRequiredService<IMeterFactory>());

        await app.PublishAsync(Payment(_account, _order, app.Clock.Now));
        await Eventually.Async(async () => await app.AvailableAsync(_account) == 20, "the credits are there");
        await app.HoldAsync(_job, Hold(_account, credits: 3));
        await app.HoldAsync(_job, Hold(_account, credits: 3));
        await app.PublishAsync(Settlement(_account, _job, creditsUsed: 2));

        await Eventually.Async(() => counters.ToString() == "captured 2, granted 20, held 3, released 1", "each is counted once");
    }

    [Fact]
    public async Task What_comes_late_for_an_account_that_was_merged_reaches_the_one_that_owns_its_things_now()
    {
        var into = Guid.CreateVersion7();
        await _app.GrantAsync(into, 1);
        await _app.GrantAsync(_account, 5);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        await _app.ExecuteAsync($"""
            update accounts set merged_into = '{into}' where id = '{_account}';
            update grants set account_id = '{into}' where account_id = '{_account}';
            select write_entry('{_account}', id, order_id, null, 'merge', -remaining, remaining, 'system', 'merged', now()),
              write_entry('{into}', id, order_id, null, 'merge', remaining, remaining, 'system', 'merged', now())
            from grants where account_id = '{into}' and credits = 5;
            """);

        await _app.PublishAsync(Payment(_account, _order, _app.Clock.Now));
        await _app.PublishAsync(Settlement(_account, _job, creditsUsed: 1));

        await Eventually.Async(async () => await _app.AvailableAsync(into) == 1 + 4 + 20, "both have arrived");
        (await _app.HoldAsync(Guid.CreateVersion7(), Hold(_account, credits: 25))).Status.ShouldBe(200);
        (await _app.EntriesAsync(into)).ShouldStartWith("grant 1, grant 5, hold -2, merge -3, merge 3, ");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_payment_delivered_fifty_times_in_parallel_grants_once()
    {
        var payment = Payment(_account, _order, _app.Clock.Now);
        var sameMessage = Guid.CreateVersion7();
        var heard = await PaymentsHeardAsync();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(delivery => _app.PublishAsync(payment, delivery % 2 == 0 ? sameMessage : null)));
        await Eventually.Async(async () => await PaymentsHeardAsync() == heard + 26, "every delivery was handled");

        (await _app.EntriesAsync(_account)).ShouldBe("grant 20");
        (await _app.ScalarAsync<long>($"select count(*) from grants where order_id = '{_order}'")).ShouldBe(1);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_payment_from_so_long_ago_that_it_is_over_is_granted_and_expired()
    {
        await _app.PublishAsync(Payment(_account, _order, _app.Clock.Now.AddDays(-366)));

        await Eventually.Async(async () => await _app.EntriesAsync(_account) == "grant 20, expire -20", "both are on the statement");
    }

    [Fact]
    public async Task Settlements_of_many_jobs_in_any_order_and_twice_settle_each_once()
    {
        await _app.GrantAsync(_account, 20);
        var jobs = Enumerable.Range(0, 10).Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var job in jobs)
            (await _app.HoldAsync(job, Hold(_account, credits: 2))).Status.ShouldBe(200);

        var messages = jobs.Concat(jobs).ToArray();
        Random.Shared.Shuffle(messages);
        await Task.WhenAll(messages.Select(job => _app.PublishAsync(Settlement(_account, job, creditsUsed: 1))));

        await Eventually.Async(async () =>
        {
            var credits = await _app.CreditsAsync(_account);
            return ((int)credits["available"]!, (int)credits["held"]!) == (10, 0);
        }, "all are settled");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_settlement_that_arrives_before_its_hold_refuses_the_hold()
    {
        await _app.GrantAsync(_account, 5);

        await _app.PublishAsync(Settlement(_account, _job, creditsUsed: 0, "failed"));
        await Eventually.Async(async () => await _app.ScalarAsync<long>($"select count(*) from holds where job_id = '{_job}'") == 1, "it is remembered");

        (await _app.HoldAsync(_job, Hold(_account))).Code.ShouldBe("conflict");
    }

    [Fact]
    public async Task A_message_that_makes_no_sense_is_kept_as_a_dead_letter_and_changes_nothing()
    {
        await _app.GrantAsync(_account, 5);
        await _app.HoldAsync(_job, Hold(_account));

        await _app.PublishAsync(Settlement(_account, _job, creditsUsed: 9));

        var letter = await Eventually.ValueAsync(
            async () => await _app.DeadLettersAsync("entitlements.staging-settled") is { Count: > 0 } letters ? letters[0] : null, "the dead letter is there");
        letter.ShouldContain(_job.ToString());
        (await _app.EntriesAsync(_account)).ShouldBe("grant 5, hold -1");
    }

    [Fact]
    public async Task A_consumer_cut_off_inside_its_transaction_leaves_nothing_and_the_message_is_applied_once()
    {
        await _app.GrantAsync(_account, 1);
        await using (var blocker = await _app.Admin.OpenConnectionAsync(Cancel))
        await using (var transaction = await blocker.BeginTransactionAsync(Cancel))
        {
            await using (var block = blocker.CreateCommand())
            {
                block.CommandText = $"select 1 from accounts where id = '{_account}' for update";
                await block.ExecuteNonQueryAsync(Cancel);
            }

            await _app.PublishAsync(Payment(_account, _order, _app.Clock.Now));
            // It waits for the account inside its transaction, after its note in the inbox.
            await Eventually.Async(
                async () => await _app.ScalarAsync<long>(
                    $"select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{_app.Database.Name}' and wait_event_type = 'Lock'") > 0,
                "its connection is cut");
            (await _app.EntriesAsync(_account)).ShouldBe("grant 1");
        }

        await Eventually.Async(async () => await _app.EntriesAsync(_account) == "grant 1, grant 20", "the message was delivered again");
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_transaction_rolled_back_after_any_function_leaves_nothing()
    {
        await _app.GrantAsync(_account, 5, days: 1);
        await _app.HoldAsync(_job, Hold(_account, credits: 2));
        _app.Clock.Pass(TimeSpan.FromDays(2));
        // The service's own sweep finds nothing to do any more.
        await _app.SweepAsync();
        var before = await _app.ScalarAsync<string>(AllOfTheAccount());

        await using (var db = await _app.OpenAsync())
        await using (await db.Database.BeginTransactionAsync(Cancel))
        {
            await _app.Ledger.ApplyPaymentAsync(db, Payment(_account, _order, _app.Clock.Now), Cancel);
            await _app.Ledger.SettleHoldAsync(db, Settlement(_account, _job, creditsUsed: 1), Cancel);
            (await db.LedgerEntries.CountAsync(entry => entry.AccountId == _account, Cancel)).ShouldBe(6);
        }

        (await _app.ScalarAsync<string>(AllOfTheAccount())).ShouldBe(before);
        (await _app.ViolationsAsync()).ShouldBeEmpty();
    }

    private Task<long> PaymentsHeardAsync() => _app.ScalarAsync<long>("select count(*) from inbox where consumer = 'payment-completed'");

    private string AllOfTheAccount() => $"""
        select concat_ws(' ',
          (select string_agg(g::text, ' ' order by g.id) from grants g where account_id = '{_account}'),
          (select string_agg(h::text, ' ' order by h.job_id) from holds h where account_id = '{_account}'),
          (select string_agg(e::text, ' ' order by e.number) from ledger_entries e where account_id = '{_account}'))
        """;
}
