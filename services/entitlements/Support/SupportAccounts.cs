using HomeStage.Contracts;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Answer to <c>GET /support/accounts</c>: the accounts found. An e-mail address may have several.</summary>
internal sealed record SupportAccounts(IReadOnlyList<SupportAccount> Accounts);

/// <summary>
/// All that is known of the account that owns everything of its <c>Aliases</c>, which were merged into it. <c>SignsIn</c> is false for a
/// visitor's. <c>Available</c> can be used now; <c>FrozenCredits</c> can once they thaw. <c>OpenHolds</c> are of jobs that run;
/// <c>Entries</c> are the newest 50; <c>Orders</c> are null while billing is away.
/// </summary>
internal sealed record SupportAccount(
    Guid Id,
    IReadOnlyList<Guid> Aliases,
    DateTimeOffset CreatedAt,
    bool SignsIn,
    bool Frozen,
    int Available,
    int Held,
    int FrozenCredits,
    IReadOnlyList<SupportGrant> Grants,
    IReadOnlyList<SupportHold> OpenHolds,
    IReadOnlyList<SupportEntry> Entries,
    IReadOnlyList<SupportOrder>? Orders);

/// <summary>A job's open claim.</summary>
internal sealed record SupportHold(Guid JobId, int Credits, bool Free, DateTimeOffset TakenAt);

/// <summary><c>GET /support/accounts?account=|order=|job=|stripe=|email=</c>.</summary>
internal static class SupportAccountsRoute
{
    private const int Newest = 50;

    internal static void MapAccounts(this IEndpointRouteBuilder read) => read.MapGet("/accounts", FindAsync);

    private static async Task<SupportAccounts> FindAsync(
        [AsParameters] AccountQuery query,
        SupportCaller caller,
        SupportDesk desk,
        BillingClient billing,
        IDbContextFactory<EntitlementsDb> databases,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        var by = query.By();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var found = await ResolveAsync(db, await CandidatesAsync(db, query, billing, cancellationToken), cancellationToken);
        if (found.Count == 0)
            throw new ProblemException(Problem.Result(ProblemCode.NotFound, $"No account is known by this {by}."));

        var accounts = new List<SupportAccount>();
        foreach (var account in found)
        {
            await desk.NoteAsync(caller, new SupportCommand("show_account", account.ToString(), "", new { By = by }), cancellationToken);
            accounts.Add(await ReadAsync(db, account, billing, time.GetUtcNow(), cancellationToken));
        }

        return new(accounts);
    }

    // Orders, Stripe's ids and e-mail addresses are billing's to know; a grant tells of its order, too.
    private static async Task<IReadOnlyList<Guid>> CandidatesAsync(
        EntitlementsDb db, AccountQuery query, BillingClient billing, CancellationToken cancellationToken)
    {
        if (query.Account is { } account)
            return [account];
        if (query.Job is { } job)
            return await db.Holds.Where(hold => hold.JobId == job).Select(hold => hold.AccountId).ToListAsync(cancellationToken);
        if (query.Order is { } order)
        {
            var owners = await db.Grants.Where(grant => grant.OrderId == order).Select(grant => grant.AccountId).ToListAsync(cancellationToken);
            return owners.Count > 0 ? owners : Owners(await billing.OrdersAsync("orderId", order.ToString(), cancellationToken));
        }

        return Owners(query.Stripe is { } stripe
            ? await billing.OrdersAsync("stripeId", stripe, cancellationToken)
            : await billing.OrdersAsync("email", query.Email!, cancellationToken));
    }

    private static List<Guid> Owners(IReadOnlyList<SupportOrder> orders) => [.. orders.Select(order => order.AccountId)];

    private static Task<List<Guid>> ResolveAsync(EntitlementsDb db, IReadOnlyList<Guid> accounts, CancellationToken cancellationToken) =>
        db.Accounts.Where(account => accounts.Contains(account.Id)).Select(account => account.MergedInto ?? account.Id).Distinct()
            .ToListAsync(cancellationToken);

    private static async Task<SupportAccount> ReadAsync(
        EntitlementsDb db, Guid id, BillingClient billing, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var account = await db.Accounts.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
        var all = await db.AliasesOf(id).ToListAsync(cancellationToken);
        var signsIn = await db.Database.SqlQuery<bool>($"select has_identity({id})").ToListAsync(cancellationToken);
        var grants = await db.Grants.AsNoTracking().Where(grant => grant.AccountId == id)
            .OrderByDescending(grant => grant.GrantedAt).ThenByDescending(grant => grant.Id).ToListAsync(cancellationToken);
        var holds = await db.Holds.AsNoTracking().Where(hold => all.Contains(hold.AccountId) && hold.State == "open").OrderBy(hold => hold.TakenAt)
            .Select(hold => new SupportHold(hold.JobId, hold.Credits, hold.Free, hold.TakenAt!.Value)).ToListAsync(cancellationToken);
        var entries = await (
                from entry in db.NewestEntries(id, Newest)
                join grant in db.Grants on entry.GrantId equals grant.Id
                orderby entry.Number descending
                select new { Entry = entry, grant.Plan })
            .Take(Newest).AsNoTracking().ToListAsync(cancellationToken);
        return new SupportAccount(
            id,
            [.. all.Where(alias => alias != id)],
            account.CreatedAt,
            signsIn[0],
            account.Frozen,
            grants.Sum(grant => grant.Usable(now)),
            grants.Sum(grant => grant.Held),
            grants.Where(grant => grant.FrozenAt is not null).Sum(grant => grant.Remaining),
            [.. grants.Select(grant => SupportGrant.Of(grant, now))],
            holds,
            [.. entries.Select(row => SupportEntry.Of(row.Entry, row.Plan))],
            await OrdersAsync(billing, id, cancellationToken));
    }

    private static async Task<IReadOnlyList<SupportOrder>?> OrdersAsync(BillingClient billing, Guid account, CancellationToken cancellationToken)
    {
        try
        {
            return await billing.OrdersAsync("accountId", account.ToString(), cancellationToken);
        }
        catch (Exception error) when (Infrastructure.IsTransient(error) && !cancellationToken.IsCancellationRequested)
        {
            // The ledger is worth showing without them.
            return null;
        }
    }
}

/// <summary>What to find an account by: one of these.</summary>
internal sealed record AccountQuery(Guid? Account, Guid? Order, Guid? Job, string? Stripe, string? Email)
{
    /// <summary>The one that is given.</summary>
    /// <exception cref="ProblemException">None is, or several are.</exception>
    internal string By()
    {
        (string Name, bool Given)[] all =
            [("account", Account is not null), ("order", Order is not null), ("job", Job is not null), ("stripe", Stripe is not null), ("email", Email is not null)];
        return all.Where(one => one.Given).Select(one => one.Name).ToList() is [var only]
            ? only
            : throw new ProblemException(Problem.Result(ProblemCode.ValidationFailed, "Give one of account, order, job, stripe and email."));
    }
}
