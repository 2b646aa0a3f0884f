using System.ComponentModel.DataAnnotations;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Paging;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Credits;

/// <summary><c>GET /api/v1/credits/entries</c>: what happened to the account's credits, newest first.</summary>
internal static class Statement
{
    internal static void AddStatement(this ServiceBuilder service) =>
        service.Map(app => app.MapGet("/api/v1/credits/entries", ListAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter)
            .Describe("Credits", "listCreditEntries", "What happened to the account's credits, the newest first")
            .Paged()
            .Refuses(ProblemCode.Unauthenticated, ProblemCode.UsageUnavailable));

    private static async Task<Page<EntryView>> ListAsync(
        Caller caller, int? limit, string? cursor, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        caller.RequireAccount();
        var count = PageRequest.Limit(limit);
        var before = PageRequest.PositionAsNumber(cursor) ?? long.MaxValue;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await (
                from entry in db.NewestEntries(caller.AccountId, count + 1, before)
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
/// <param name="Id">The line.</param>
/// <param name="At">When it happened.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Amount">What the balance changed by; 0 for a capture, because the hold took it already.</param>
/// <param name="Quantity">How many credits it is about; of an extension, days.</param>
/// <param name="BalanceAfter">The account's credits after it, without those that are held.</param>
/// <param name="GrantId">The pack.</param>
/// <param name="OrderId">The order that paid for the pack.</param>
/// <param name="JobId">The staging.</param>
/// <param name="Reason">Why, in a word, or what support wrote.</param>
/// <param name="Description">The line for people.</param>
internal sealed record EntryView(
    Guid Id,
    DateTimeOffset At,
    [property: AllowedValues("grant", "hold", "release", "capture", "expire", "revoke", "restore", "adjust", "merge", "extend", "freeze", "thaw")] string Kind,
    int Amount,
    int Quantity,
    int BalanceAfter,
    Guid GrantId,
    Guid? OrderId,
    Guid? JobId,
    string Reason,
    string Description);
