using System.Text.Json;
using HomeStage.Hosting.Paging;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>One thing that a support person did or looked at. The database refuses to change or delete it.</summary>
internal sealed class SupportAuditRow
{
    /// <summary>Orders the audit.</summary>
    public long Number { get; private set; }

    public required Guid Id { get; init; }

    public required DateTimeOffset At { get; init; }

    public required string Actor { get; init; }

    public required string Action { get; init; }

    public required string Subject { get; init; }

    public required string Reason { get; init; }

    /// <summary>JSON.</summary>
    public required string Arguments { get; init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>JSON; null where the effect is not in this database.</summary>
    public string? Answer { get; init; }
}

/// <summary>
/// A line of the audit: what the operator <c>Actor</c> did to the account, grant, order, queue or address hash <c>Subject</c>, why (empty
/// for reading), and what else decided what was done.
/// </summary>
internal sealed record AuditView(Guid Id, DateTimeOffset At, string Actor, string Action, string Subject, string Reason, JsonElement Arguments);

/// <summary><c>GET /support/audit</c>: what was done, newest first; <c>?subject=</c> narrows it.</summary>
internal static class SupportAudit
{
    internal static void MapAudit(this IEndpointRouteBuilder read) => read.MapGet("/audit", ListAsync);

    private static async Task<Page<AuditView>> ListAsync(
        int? limit, string? cursor, string? subject, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        var count = PageRequest.Limit(limit);
        var before = PageRequest.PositionAsNumber(cursor) ?? long.MaxValue;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.SupportAudit.AsNoTracking()
            .Where(row => row.Number < before && (subject == null || row.Subject == subject))
            .OrderByDescending(row => row.Number)
            .Take(count + 1)
            .ToListAsync(cancellationToken);
        return PageRequest.Page(rows, count, row => row.Number, row =>
            new AuditView(row.Id, row.At, row.Actor, row.Action, row.Subject, row.Reason, JsonElement.Parse(row.Arguments)));
    }
}
