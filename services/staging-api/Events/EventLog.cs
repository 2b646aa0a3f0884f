using HomeStage.Staging.Attempts;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.Events;

/// <summary>One event of an account, and of a job or a listing unless it is about credits.</summary>
internal sealed record StoredEvent
{
    public required Guid AccountId { get; init; }

    /// <summary>Its number among the account's events.</summary>
    public required long AccountN { get; init; }

    public Guid? JobId { get; init; }

    /// <summary>Its number among the job's events.</summary>
    public long? N { get; init; }

    /// <summary>The listing that it is about, or whose job it is about.</summary>
    public Guid? ListingId { get; init; }

    /// <summary>Its number among the listing's events.</summary>
    public long? ListingN { get; init; }

    public required string Type { get; init; }

    /// <summary>The event's data as JSON.</summary>
    public required string Body { get; init; }

    public DateTimeOffset RecordedAt { get; init; }
}

/// <summary>The number of an account's newest event.</summary>
internal sealed record AccountStream(Guid AccountId, long LastEvent);

/// <summary>
/// Appends events. The counters' rows stay locked until the transaction ends, so numbers become visible in their order. Whoever changes
/// several rows takes them in this order, so that nobody waits in a circle: jobs, then the listing, then the account's stream.
/// </summary>
internal static class EventLog
{
    /// <param name="db">In the transaction of what the event tells.</param>
    /// <param name="accountId">Whose stream it belongs to.</param>
    /// <param name="job">The job as it is now, already stored; null for an event of a listing, or of the account alone.</param>
    /// <param name="listingId">The listing that it is about, or whose job.</param>
    /// <param name="type">Its type on the wire.</param>
    /// <param name="body">Its data as JSON.</param>
    /// <param name="cancellationToken">Gives up with the transaction.</param>
    /// <returns>The account in whose stream it is: the one that <paramref name="accountId"/> was merged into, if it was.</returns>
    internal static async Task<Guid> AppendAsync(
        StagingDb db, Guid accountId, Job? job, Guid? listingId, string type, string body, CancellationToken cancellationToken)
    {
        long? listingN = listingId is null ? null : (await db.Database.SqlQuery<long>(
            $"""update listings set last_event = last_event + 1 where id = {listingId} returning last_event as "Value" """).ToListAsync(cancellationToken))[0];
        var streams = await db.Database.SqlQuery<Guid>(
            $"""
            with counter as (
                insert into account_streams (account_id, last_event)
                values (coalesce((select into_account from account_aliases where from_account = {accountId}), {accountId}), 1)
                on conflict (account_id) do update set last_event = account_streams.last_event + 1
                returning account_id, last_event)
            insert into events (account_id, account_n, job_id, n, listing_id, listing_n, type, body)
            select account_id, last_event, {job?.Id}::uuid, {job?.LastEvent}::bigint, {listingId}::uuid, {listingN}::bigint, {type}, {body}::json from counter
            returning account_id as "Value"
            """).ToListAsync(cancellationToken);
        return streams[0];
    }
}
