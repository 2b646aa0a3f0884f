using Npgsql;
using Shouldly;
using Xunit;

namespace HomeStage.Entitlements.Tests.Credits;

public sealed class ProtectionTests(EntitlementsFixture fixture) : IClassFixture<EntitlementsFixture>
{
    private readonly EntitlementsApp _app = fixture.App;

    [Theory]
    [InlineData("update ledger_entries set amount = 1")]
    [InlineData("update ledger_entries set amount = 1 where false")]
    [InlineData("delete from ledger_entries")]
    [InlineData("truncate ledger_entries")]
    public async Task Entries_cannot_be_changed_or_deleted_by_the_service_nor_by_the_owner_nor_by_the_superuser(string statement)
    {
        await _app.GrantAsync(Guid.CreateVersion7(), 5);

        (await RefusedAsync(_app.Database.Connection, statement)).ShouldContain("permission denied");
        (await RefusedAsync(_app.Database.DdlConnection, statement)).ShouldContain("append-only");
        (await RefusedAsync(_app.Database.AdminConnection, statement)).ShouldContain("append-only");
    }

    [Theory]
    [InlineData("update support_audit set actor = 'another'")]
    [InlineData("update support_audit set actor = 'another' where false")]
    [InlineData("delete from support_audit")]
    [InlineData("truncate support_audit")]
    public async Task The_audit_cannot_be_changed_or_deleted_by_the_service_nor_by_the_owner_nor_by_the_superuser(string statement)
    {
        (await RefusedAsync(_app.Database.Connection, statement)).ShouldContain("permission denied");
        (await RefusedAsync(_app.Database.DdlConnection, statement)).ShouldContain("append-only");
        (await RefusedAsync(_app.Database.AdminConnection, statement)).ShouldContain("append-only");
    }

    [Theory]
    [InlineData("insert into ledger_entries default values")]
    [InlineData("update grants set remaining = 1000, credits = 1000")]
    [InlineData("insert into grants default values")]
    [InlineData("delete from grants")]
    [InlineData("update holds set state = 'settled'")]
    [InlineData("delete from hold_allocations")]
    [InlineData("delete from free_usages")]
    [InlineData("update free_days set pictures = 0")]
    [InlineData("delete from payment_adjustments")]
    [InlineData("insert into accounts (id, created_at) values (gen_random_uuid(), now())")]
    [InlineData("update accounts set merged_into = null")]
    [InlineData("update accounts set frozen = false")]
    [InlineData("insert into identities values ('i', 's', gen_random_uuid(), now())")]
    [InlineData("insert into sessions default values")]
    [InlineData("update sessions set revoked_at = null")]
    [InlineData("delete from sessions")]
    [InlineData("select apply_adjustment(gen_random_uuid(), gen_random_uuid(), now())")]
    [InlineData("select set_frozen(gen_random_uuid(), gen_random_uuid(), 'support', false, '', now())")]
    [InlineData("select hold_locked(gen_random_uuid(), gen_random_uuid(), 1, 1, 'draft', null, 1, '1 day', 1, now())")]
    [InlineData("select extend_locked(gen_random_uuid(), gen_random_uuid(), 1, '', '', now())")]
    [InlineData("select lock_account(gen_random_uuid(), now())")]
    [InlineData("select expire_grants(gen_random_uuid(), now())")]
    [InlineData("select write_entry(null, null, null, null, 'grant', 1, 1, '', '', now())")]
    [InlineData("select tell_credits_changed(gen_random_uuid(), null)")]
    [InlineData("drop table ledger_entries")]
    public async Task The_service_moves_credits_by_the_functions_alone(string statement) =>
        (await RefusedAsync(_app.Database.Connection, statement)).ShouldMatch("permission denied|must be owner");

    [Fact]
    public async Task The_audit_finds_what_somebody_with_the_keys_made_wrong()
    {
        await using var app = _app.Admin.CreateConnection();
        await app.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await app.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var (account, job) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await RunAsync(app, $"select apply_payment(gen_random_uuid(), '{account}', '{account}', 'value', 20, '2040-01-01', '2030-01-01', null)");
        await RunAsync(app, $"select take_hold('{account}', '{job}', 3, 3, 'draft', 'h', 3, '30 days', 100, '2030-01-01', null)");
        (await ViolationsAsync(app)).ShouldBeEmpty();

        await RunAsync(app, $"update grants set remaining = remaining - 1, expired = expired + 1 where account_id = '{account}'");
        (await ViolationsAsync(app)).ShouldBe([
            "a grant is on the ledger with all that became of it", "entries of a grant sum up to its remaining credits"]);

        await RunAsync(app, $"update grants set remaining = remaining + 1, expired = expired - 1 where account_id = '{account}'");
        await RunAsync(app, $"update holds set state = 'settled', credits_used = 3, outcome = 'succeeded', settled_at = taken_at where job_id = '{job}'");
        (await ViolationsAsync(app)).ShouldBe([
            "a hold is allocated whole, and settled whole", "open allocations of a grant sum up to its held credits"]);

        await RunAsync(app, "insert into free_days values ('2031-01-01', 1)");
        (await ViolationsAsync(app)).ShouldContain("the day counts what its households count");
    }

    [Theory]
    [InlineData("insert into payment_adjustments values ('{0}', 100, 100, false, 1, now())", "what belongs to returned money is taken back, as far as it is there, and no more")]
    [InlineData("insert into payment_adjustments values ('{0}', 100, 0, true, 1, now())", "a grant is frozen while its payment is disputed or its account is frozen, and at no other time")]
    [InlineData("update accounts set frozen = true where id = '{0}'", "a grant is frozen while its payment is disputed or its account is frozen, and at no other time")]
    [InlineData("select grant_support(gen_random_uuid(), '{0}', 1, '2040-01-01', 'desk-1', 'goodwill', '2030-01-02', null)", "what a person did is in the audit, with the same time")]
    [InlineData("insert into accounts values ('{1}', null, now()); update accounts set merged_into = '{1}' where id = '{0}'", "an account that was merged has nothing left, nobody signs in to it, and it names the one that has all")]
    [InlineData("insert into accounts values ('{1}', null, now()); update grants set account_id = '{1}' where account_id = '{0}'", "a hold takes only credits of its own account")]
    [InlineData("select write_entry('{0}', id, null, null, 'merge', -1, 1, 'system', 'merged', now()) from grants where account_id = '{0}'", "what a merge takes from one account it gives to another")]
    [InlineData("update grants set adjusted = 1, remaining = remaining + 1 where account_id = '{0}'", "a grant is on the ledger with all that became of it")]
    public async Task The_audit_has_a_rule_for(string wrong, string rule)
    {
        await using var app = _app.Admin.CreateConnection();
        await app.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await app.BeginTransactionAsync(TestContext.Current.CancellationToken);
        var account = Guid.CreateVersion7();
        await RunAsync(app, $"select apply_payment(gen_random_uuid(), '{account}', '{account}', 'value', 20, '2040-01-01', '2030-01-01', null)");
        await RunAsync(app, $"select take_hold('{account}', gen_random_uuid(), 3, 3, 'draft', 'h', 3, '30 days', 100, '2030-01-01', null)");
        (await ViolationsAsync(app)).ShouldBeEmpty();

        await RunAsync(app, string.Format(null, wrong, account, Guid.CreateVersion7()));

        (await ViolationsAsync(app)).ShouldContain(rule);
    }

    private static async Task<List<string>> ViolationsAsync(NpgsqlConnection connection)
    {
        await using var command = new NpgsqlCommand("select distinct rule from ledger_violations() order by 1", connection);
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var rules = new List<string>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            rules.Add(reader.GetString(0));
        return rules;
    }

    private static async Task<string> RefusedAsync(string connectionString, string statement)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return (await Should.ThrowAsync<PostgresException>(() => RunAsync(connection, statement))).MessageText;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }
}
