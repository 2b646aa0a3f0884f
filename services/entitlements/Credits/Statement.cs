using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Credits;

/// <summary><c>GET /api/v1/credits/entries</c>: what happened to the account's credits, newest first.</summary>
internal static class Statement
{
    internal static void AddStatement(this ServiceBuilder service) =>
        service.Map(app => app.MapGet("/api/v1/credits/entries", ListAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Page<EntryView>> ListAsync(
        Caller caller, int? limit, string? cursor, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        caller.RequireAccount();
        var count = PageRequest.Limit(limit);
        var before = PageRequest.PositionAsNumber(cursor) ?? long.MaxValue;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await (
                from entry in db.LedgerEntries
                where db.AliasesOf(caller.AccountId).Contains(entry.AccountId) && entry.Number < before
                // Empty packs change hands, too, which is nothing to people.
                where entry.Kind != "merge" || entry.Quantity > 0
                join grant in db.Grants on entry.GrantId equals grant.Id
                orderby entry.Number descending
                select new { Entry = entry, grant.Plan })
            .Take(count + 1)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        return PageRequest.Page(rows, count, row => row.Entry.Number, row => View(row.Entry, row.Plan));
    }

    private static EntryView View(LedgerEntry entry, string? plan) => new(
        entry.Id,
        entry.At,
        entry.Kind,
        entry.Amount,
        entry.Quantity,
        entry.BalanceAfter,
        entry.GrantId,
        entry.OrderId,
        entry.JobId,
        entry.Reason,
        CreditWords.Describe(entry, plan));
}

/// <summary>A line of the statement.</summary>
internal sealed record EntryView(
    Guid Id,
    DateTimeOffset At,
    string Kind,
    int Amount,
    int Quantity,
    int BalanceAfter,
    Guid GrantId,
    Guid? OrderId,
    Guid? JobId,
    string Reason,
    string Description);
