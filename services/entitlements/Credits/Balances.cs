using System.Text.Json.Serialization;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Credits;

/// <summary><c>GET /api/v1/credits</c>. It writes nothing: a caller without an account has zeros and the free allowance.</summary>
internal static class Balances
{
    // Packs that are used up or over stay in view for as long as people ask about them; the statement has everything.
    private static readonly TimeSpan Shown = TimeSpan.FromDays(90);

    internal static void AddBalances(this ServiceBuilder service) =>
        service.Map(app => app.MapGet("/api/v1/credits", GetAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<BalanceView> GetAsync(
        Caller caller, IDbContextFactory<EntitlementsDb> databases, FreeAllowance allowance, TimeProvider time, CancellationToken cancellationToken)
    {
        caller.RequireAccount();
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var grants = await db.Grants
            .Where(grant => db.AliasesOf(caller.AccountId).Contains(grant.AccountId))
            .Where(grant => grant.Remaining > 0 || grant.Held > 0 || grant.FrozenAt != null || grant.UsableUntil > now - Shown)
            .OrderByDescending(grant => grant.GrantedAt).ThenByDescending(grant => grant.Id)
            .AsNoTracking()
            .ToListAsync(cancellationToken);
        var freeLeft = await FreeLeftAsync(db, caller, allowance, now, cancellationToken);
        return View(grants, new FreeView(freeLeft, allowance.Stagings, allowance.WindowDays), now);
    }

    internal static BalanceView View(IReadOnlyCollection<Grant> grants, FreeView free, DateTimeOffset now)
    {
        var next = grants.Where(grant => grant.Usable(now) > 0)
            .GroupBy(grant => grant.UsableUntil).OrderBy(group => group.Key)
            .Select(group => new ExpiryView(group.Key, group.Sum(grant => grant.Remaining)))
            .FirstOrDefault();
        return new BalanceView(
            grants.Sum(grant => grant.Usable(now)),
            grants.Sum(grant => grant.Held),
            grants.Where(grant => grant.FrozenAt is not null).Sum(grant => grant.Remaining),
            next,
            [.. grants.Select(grant => new GrantView(
                grant.Id,
                grant.Source,
                grant.OrderId,
                grant.Credits,
                // An expiry that is due counts as done, written already or not.
                grant.FrozenAt is null ? grant.Usable(now) : grant.Remaining,
                grant.GrantedAt,
                grant.UsableUntil,
                grant.Status(now),
                grant.FrozenAt is null ? null : grant.FrozenReasons))],
            free);
    }

    private static async Task<int> FreeLeftAsync(
        EntitlementsDb db, Caller caller, FreeAllowance allowance, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Free stagings are for browser sessions, never for programs.
        if (caller.Kind is CallerKind.Key || caller.AddressHash is null)
            return 0;
        var left = await db.Database.SqlQuery<int>(
            $"select free_stagings_left({caller.AddressHash}, {allowance.Stagings}, {allowance.Window}, {allowance.DailyBudget}, {now})")
            .ToListAsync(cancellationToken);
        return left[0];
    }
}

/// <summary>What an account has: usable now, held for stagings that run, and frozen, which is none of these until it thaws.</summary>
internal sealed record BalanceView(int Available, int Held, int Frozen, ExpiryView? NextExpiry, IReadOnlyList<GrantView> Grants, FreeView Free);

/// <summary>How many credits end next, and when.</summary>
internal sealed record ExpiryView(DateTimeOffset At, int Credits);

/// <summary>
/// A pack of credits. A frozen one says why in <c>FrozenReasons</c> (<c>dispute</c>, <c>support</c>), and its end moves on until it thaws; of
/// one in grace <c>ExpiresAt</c> is the end of the grace.
/// </summary>
internal sealed record GrantView(
    Guid Id,
    string Source,
    Guid? OrderId,
    int Credits,
    int Remaining,
    DateTimeOffset GrantedAt,
    DateTimeOffset ExpiresAt,
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? FrozenReasons);

/// <summary>The free allowance of the caller's household.</summary>
internal sealed record FreeView(int Left, int Of, int WindowDays);

internal static class CallerAccount
{
    /// <summary>Refuses a caller who is nobody, with 401.</summary>
    internal static void RequireAccount(this Caller caller)
    {
        if (caller.AccountId == Guid.Empty)
            throw new ProblemException(Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session, or send an API key."));
    }
}
