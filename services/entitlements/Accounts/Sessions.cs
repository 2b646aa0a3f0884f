using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Body of <c>PUT /internal/sessions/{sessionId}</c>.</summary>
internal sealed record SessionSeen
{
    public required Guid AccountId { get; init; }

    /// <summary><c>visitor</c> or <c>member</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What the person may recognise the device by, e.g. "Firefox on Linux".</summary>
    public string? Device { get; init; }
}

/// <summary>The sessions that the gateway issues, with the account that each belongs to.</summary>
internal static class Sessions
{
    private const int LongestDevice = 200;

    internal static void AddSessions(this ServiceBuilder service) =>
        service.Map(app => app.MapPut("/internal/sessions/{sessionId:guid}", PutAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Results<NoContent, ProblemHttpResult>> PutAsync(
        Guid sessionId, SessionSeen seen, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        if (seen.AccountId == Guid.Empty)
            return Problem.Invalid("accountId", "Name an account.");
        if (seen.Kind is not ("visitor" or "member"))
            return Problem.Invalid("kind", "Use visitor or member.");
        if (seen.Device?.Length > LongestDevice)
            return Problem.Invalid("device", $"Use {LongestDevice} characters at most.");

        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Database.ExecuteSqlAsync(
            $"""
            with account as (insert into accounts (id, created_at) values ({seen.AccountId}, {now}) on conflict do nothing)
            insert into sessions as s (id, account_id, kind, device, created_at, last_seen_at)
            values ({sessionId}, {seen.AccountId}, {seen.Kind}, {seen.Device}::text, {now}, {now})
            on conflict (id) do update
              set kind = excluded.kind, device = coalesce(excluded.device, s.device), last_seen_at = greatest(s.last_seen_at, excluded.last_seen_at)
              where s.account_id = excluded.account_id
            """,
            cancellationToken);
        return rows == 0 ? Problem.Result(ProblemCode.Conflict, "The session belongs to another account.") : TypedResults.NoContent();
    }
}
