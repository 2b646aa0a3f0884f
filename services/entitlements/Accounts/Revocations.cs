using System.Globalization;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using HomeStage.Hosting.Recurring;
using HomeStage.Hosting.Redis;
using HomeStage.Hosting.Telemetry;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Answer to <c>GET /internal/revocations</c>.</summary>
/// <param name="Subjects">Sessions and API keys that must not be accepted any more.</param>
/// <param name="Next">To ask with the next time: everything that was not yet visible comes then, in whatever order it commits.</param>
/// <param name="More">Whether the list was too long for one answer, and goes on at once.</param>
internal sealed record RevocationList(IReadOnlyList<Guid> Subjects, string Next, bool More);

/// <summary>Where a reading of the revocations is.</summary>
/// <param name="Snapshot">What was not visible when the reading began has a transaction that is not below this one.</param>
/// <param name="Transaction">The transaction to go on with.</param>
/// <param name="Subject">The last one of that transaction that was read; null before the first.</param>
internal sealed record RevocationCursor(ulong Snapshot, ulong Transaction, Guid? Subject)
{
    internal static RevocationCursor? Parse(string text)
    {
        var parts = text.Split('.');
        return (parts.Length, ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var snapshot)) switch
        {
            (1, true) => new(snapshot, snapshot, null),
            (3, true) when ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var transaction) && Guid.TryParse(parts[2], out var subject) =>
                new(snapshot, transaction, subject),
            _ => null,
        };
    }

    public override string ToString() =>
        Subject is null ? Snapshot.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Snapshot}.{Transaction}.{Subject}");
}

/// <summary>
/// Ends sessions, and tells gateways which sessions and keys have ended. They hold them in memory and read what is new every ten seconds;
/// a word on <see cref="Channel"/> after the commit makes them read at once. Without Redis the word is lost, the reading is not.
/// </summary>
internal sealed partial class Revocations(
    IDbContextFactory<EntitlementsDb> databases, RedisConnection redis, Sweeps sweeps, TimeProvider time, ILogger<Revocations> logger)
    : RecurringWork("old_revocations", TimeSpan.FromHours(1), sweeps, time)
{
    /// <summary>Says only that there is something to read; what it is, is read over HTTP.</summary>
    internal const string Channel = "homestage:revocations";

    /// <summary>Ends one session, or all of an account; one that has no row yet, too.</summary>
    internal async Task EndSessionsAsync(Guid account, Guid? session, string kind, bool everywhere, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"select end_sessions({account}, {session}, {kind}, {everywhere}, {Time.GetUtcNow()})", cancellationToken);
        await AnnounceAsync();
    }

    /// <summary>Has the gateways read what was revoked; to be called after the commit.</summary>
    internal async Task AnnounceAsync()
    {
        try
        {
            await redis.PublishAsync(Channel, "", CancellationToken.None);
        }
        catch (RedisUnavailableException error)
        {
            Log.NotAnnounced(logger, error);
        }
    }

    /// <summary>What was revoked after a position, at most so many at a time; those who do not say how many get all.</summary>
    internal async Task<RevocationList> SinceAsync(RevocationCursor after, int? limit, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // One statement, one snapshot: what it does not see yet has a transaction that is not below the snapshot's.
        var rows = await db.Database.SqlQuery<Row>(
            $"""
            select pg_snapshot_xmin(pg_current_snapshot())::text as snapshot, r.transaction::text as transaction, r.subject
            from (select 1) one left join lateral (
              select r.transaction, r.subject from revocations r
              where r.transaction >= {Text(after.Transaction)}::xid8 and r.until > {Time.GetUtcNow()}
                and ({after.Subject}::uuid is null or (r.transaction, r.subject) > ({Text(after.Transaction)}::xid8, {after.Subject}))
              order by r.transaction, r.subject limit {limit}) r on true
            """).ToListAsync(cancellationToken);
        // The next reading begins where this one began, whatever was committed between its pages.
        var snapshot = after.Subject is null ? ulong.Parse(rows[0].Snapshot, CultureInfo.InvariantCulture) : after.Snapshot;
        var more = rows.Count == limit && rows[^1].Subject is not null;
        var next = more ? new RevocationCursor(snapshot, ulong.Parse(rows[^1].Transaction!, CultureInfo.InvariantCulture), rows[^1].Subject) : new(snapshot, snapshot, null);
        return new RevocationList([.. rows.Where(row => row.Subject is not null).Select(row => row.Subject!.Value)], next.ToString(), more);

        static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
    }

    internal async Task<int> ForgetAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Database.ExecuteSqlAsync($"delete from revocations where until < {Time.GetUtcNow()}", cancellationToken);
    }

    protected override async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        await ForgetAsync(cancellationToken);
        return true;
    }

    protected override void Failed(Exception error) => Log.Kept(logger, error);

    private sealed record Row(string Snapshot, string? Transaction, Guid? Subject);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Redis is away: gateways learn of a revocation when they next read, within ten seconds", EventName = "revocation_not_announced")]
        public static partial void NotAnnounced(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Warning, "Revocations that are over could not be removed; trying again in an hour", EventName = "revocations_kept")]
        public static partial void Kept(ILogger logger, Exception exception);
    }
}

internal static class RevocationsExtensions
{
    /// <summary>Maps <c>GET /internal/revocations</c>; reads <c>REDIS_CONNECTION</c>.</summary>
    internal static void AddRevocations(this ServiceBuilder service)
    {
        service.AddRedis();
        service.Services.AddSingleton<Revocations>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<Revocations>());
        service.Map(app => app.MapGet("/internal/revocations", ListAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));
    }

    private static async Task<Results<Ok<RevocationList>, ProblemHttpResult>> ListAsync(
        string? after, int? limit, Revocations revocations, CancellationToken cancellationToken)
    {
        if (limit < 1)
            return Problem.Invalid("limit", "Use 1 or more, or leave it out.");
        return RevocationCursor.Parse(after ?? "0") is { } position
            ? TypedResults.Ok(await revocations.SinceAsync(position, limit, cancellationToken))
            : Problem.Invalid("after", "Use what an answer gave as next.");
    }
}
