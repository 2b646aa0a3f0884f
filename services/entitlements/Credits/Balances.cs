using System.Text.Json.Serialization;
using HomeStage.Entitlements.FreeUsage;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
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
            .AddEndpointFilter(UsageUnavailable.Filter)
            .Describe("Credits", "getCredits", "What the account has", "What is held for running stagings is not available. Keys and tokens have no free allowance.")
            .Example(200, """
                {"available":19,"held":1,"frozen":0,"nextExpiry":{"at":"2027-03-02T10:16:21Z","credits":19},
                 "grants":[{"id":"019aac11-2b9e-7f00-8d7e-1c0b5a4e9f33","source":"purchase","orderId":"019aac0f-8f0e-7c51-9a43-5b1e4f0d2c11","credits":20,"remaining":19,
                   "grantedAt":"2026-03-02T10:16:22Z","expiresAt":"2027-03-02T10:16:21Z","status":"active"}],
                 "free":{"left":3,"of":3,"windowDays":30}}
                """)
            .Refuses(ProblemCode.Unauthenticated, ProblemCode.UsageUnavailable));

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

/// <summary>What an account has, in credits.</summary>
/// <param name="Available">Usable now.</param>
/// <param name="Held">Set aside for stagings that run.</param>
/// <param name="Frozen">Neither of these, until it thaws.</param>
/// <param name="NextExpiry">What ends next; null if nothing does.</param>
/// <param name="Grants">Packs, the newest first.</param>
/// <param name="Free">The free allowance.</param>
internal sealed record BalanceView(int Available, int Held, int Frozen, ExpiryView? NextExpiry, IReadOnlyList<GrantView> Grants, FreeView Free);

/// <summary>How many credits end next, and when.</summary>
/// <param name="At">When.</param>
/// <param name="Credits">How many.</param>
internal sealed record ExpiryView(DateTimeOffset At, int Credits);

/// <summary>A pack of credits.</summary>
/// <param name="Id">The pack.</param>
/// <param name="Source">Where it came from, such as <c>purchase</c>.</param>
/// <param name="OrderId">The order that paid for it.</param>
/// <param name="Credits">How many there were.</param>
/// <param name="Remaining">How many are left.</param>
/// <param name="GrantedAt">When it came.</param>
/// <param name="ExpiresAt">When it ends; of one in grace, the end of the grace; of a frozen one it moves on until it thaws.</param>
/// <param name="Status">What it is now.</param>
/// <param name="FrozenReasons">Why it is frozen, if it is: <c>dispute</c>, <c>support</c>.</param>
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
/// <param name="Left">Pictures that are left now.</param>
/// <param name="Of">Pictures in all.</param>
/// <param name="WindowDays">In how many days.</param>
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
