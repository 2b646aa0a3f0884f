using HomeStage.Staging.Attempts;
using HomeStage.Staging.WebhookEndpoints;
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
/// Appends events, and in the same statement what webhook endpoints of the account are to be told of them. The counters' rows stay locked until the
/// transaction ends, so numbers become visible in their order. Whoever changes several rows takes them in this order, so that nobody waits in a
/// circle: jobs, then the listing, then the account's stream.
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
        var webhook = WebhookEventTypes.MessageOf(job, type, body);
        // An endpoint that is being deleted is waited for and then not there, instead of failing what happened to the job.
        var streams = await db.Database.SqlQuery<Guid>(
            $"""
            with counter as (
                insert into account_streams (account_id, last_event)
                values (coalesce((select into_account from account_aliases where from_account = {accountId}), {accountId}), 1)
                on conflict (account_id) do update set last_event = account_streams.last_event + 1
                returning account_id, last_event),
            event as (
                insert into events (account_id, account_n, job_id, n, listing_id, listing_n, type, body)
                select account_id, last_event, {job?.Id}::uuid, {job?.LastEvent}::bigint, {listingId}::uuid, {listingN}::bigint, {type}, {body}::json from counter),
            owners as (
                select account_id from counter
                union all select a.from_account from account_aliases a join counter on a.into_account = counter.account_id),
            told as (
                insert into webhook_deliveries (id, endpoint_id, type, payload, created_at, next_attempt_at)
                select gen_random_uuid(), e.id, {webhook?.Type}::text, {webhook?.Payload}::text, {webhook?.At}::timestamptz, {webhook?.At}::timestamptz
                from owners join webhook_endpoints e on e.account_id = owners.account_id
                where {webhook?.Type}::text = any(e.event_types) and (e.enabled or e.disabled_reason = {WebhookDisabled.Failing})
                for key share of e)
            select account_id as "Value" from counter
            """).ToListAsync(cancellationToken);
        return streams[0];
    }
}
