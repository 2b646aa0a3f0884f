using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Answer to <c>GET /support/ledger/violations</c>; an empty list is the only good one.</summary>
internal sealed record LedgerViolations(IReadOnlyList<LedgerViolation> Violations);

/// <summary>Something that is not as it must always be.</summary>
/// <param name="Rule">The rule, as a sentence.</param>
/// <param name="Subject">The grant, job, entry, account or day that breaks it.</param>
/// <param name="Found">What is there instead.</param>
internal sealed record LedgerViolation(string Rule, string Subject, string Found);

/// <summary>Whether every rule of the ledger holds, in one snapshot of the database.</summary>
internal static class LedgerCheck
{
    internal static void MapLedgerCheck(this IEndpointRouteBuilder read) => read.MapGet("/ledger/violations", CheckAsync);

    /// <summary>What is not as it must be.</summary>
    internal static Task<List<LedgerViolation>> FindAsync(EntitlementsDb db, CancellationToken cancellationToken)
    {
        // It reads every entry that there is.
        db.Database.SetCommandTimeout(TimeSpan.FromMinutes(5));
        return db.Database.SqlQuery<LedgerViolation>($"select rule, subject, coalesce(found, '') as found from ledger_violations()").ToListAsync(cancellationToken);
    }

    private static async Task<LedgerViolations> CheckAsync(IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return new(await FindAsync(db, cancellationToken));
    }
}
