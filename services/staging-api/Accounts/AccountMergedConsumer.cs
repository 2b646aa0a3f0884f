using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using MassTransit;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Accounts;

/// <summary>
/// Remembers that one account became another. Repetitions and chains (a into b, b into c), in any order, end in the same rows. Nothing is
/// re-keyed: jobs, photos and keys keep the account that made them, and every lookup names all of the caller's accounts.
/// </summary>
internal sealed class AccountMergedConsumer(Inbox<StagingDb> inbox) : IConsumer<AccountMerged>
{
    public Task Consume(ConsumeContext<AccountMerged> context) =>
        inbox.OnceAsync(context, "account-merged", (db, cancellationToken) => MergeAsync(db, context.Message, cancellationToken));

    private static async Task MergeAsync(StagingDb db, AccountMerged merged, CancellationToken cancellationToken)
    {
        // Two links of a chain at once would not see each other. Merges are rare, and reading goes on meanwhile.
        await db.Database.ExecuteSqlAsync($"lock table account_aliases in share row exclusive mode", cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            insert into account_aliases (from_account, into_account)
            select {merged.From}, target.account
            from (select coalesce((select into_account from account_aliases where from_account = {merged.Into}), {merged.Into}) as account) target
            where target.account <> {merged.From}
            on conflict do nothing
            """,
            cancellationToken);
        // Who was merged into this account before is now where it went.
        await db.Database.ExecuteSqlAsync(
            $"""
            update account_aliases older set into_account = newer.into_account
            from account_aliases newer where newer.from_account = {merged.From} and older.into_account = {merged.From}
            """,
            cancellationToken);
    }
}
