using System.Text.Json;
using HomeStage.Staging.Events;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>A delivery that this replica has claimed, with what it takes to send it.</summary>
internal sealed record ClaimedWebhook(
    long N, Guid Id, string Payload, int Attempts, int RoundAttempts, Guid EndpointId, string Url, byte[] Secret, byte[]? PreviousSecret, DateTimeOffset? PreviousSecretUntil);

/// <summary>
/// The deliveries that are due, shared by all replicas. A claim is a lease: if its replica dies, the delivery is due again when the lease is over,
/// and the receiver may see the same <c>webhook-id</c> twice.
/// </summary>
internal sealed class WebhookQueue(IDbContextFactory<StagingDb> databases, EventHub hub, WebhookMetrics metrics, TimeProvider time)
{
    /// <summary>Longer than an attempt may take.</summary>
    internal static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);

    /// <summary>Attempts at once at one endpoint.</summary>
    internal const int MostOfEndpoint = 4;

    /// <summary>Attempts at once at an endpoint that has failed last.</summary>
    internal const int MostOfFailing = 1;

    /// <summary>Attempts at once at all endpoints of an account.</summary>
    internal const int MostOfAccount = 8;

    /// <summary>
    /// Claims up to <paramref name="most"/>, the longest due first. Endpoints are locked first and counted afterwards, so that two replicas
    /// cannot both find the last place free; those that another replica is claiming from are left to it.
    /// </summary>
    internal async Task<IReadOnlyList<ClaimedWebhook>> ClaimAsync(int most, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var claim = Guid.NewGuid();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // The first part steps from endpoint to endpoint through the index of what waits, however much waits for each.
        var endpoints = await db.Database.SqlQuery<Guid>(
            $"""
            with recursive waiting as (
                (select endpoint_id from webhook_deliveries where next_attempt_at is not null order by endpoint_id limit 1)
                union all
                select (select d.endpoint_id from webhook_deliveries d where d.next_attempt_at is not null and d.endpoint_id > w.endpoint_id order by d.endpoint_id limit 1)
                from waiting w where w.endpoint_id is not null)
            select e.id as "Value"
            from webhook_endpoints e
            cross join lateral (select d.next_attempt_at as at from webhook_deliveries d where d.endpoint_id = e.id and d.next_attempt_at is not null order by d.next_attempt_at limit 1) first
            cross join lateral (select count(*) as n from webhook_deliveries d where d.endpoint_id = e.id and d.claim_id is not null and d.next_attempt_at > {now}) busy
            where e.id in (select endpoint_id from waiting) and e.enabled and first.at <= {now}
              and busy.n < case when e.failing_since is null then {MostOfEndpoint} else {MostOfFailing} end
            order by first.at
            limit {most}
            for no key update of e skip locked
            """).ToListAsync(cancellationToken);
        if (endpoints.Count == 0)
            return [];
        Guid[] locked = [.. endpoints];
        var claimed = await db.Database.SqlQuery<ClaimedWebhook>(
            $"""
            with busy as (
                select e.account_id, d.endpoint_id, count(*) as n
                from webhook_deliveries d join webhook_endpoints e on e.id = d.endpoint_id
                where d.claim_id is not null and d.next_attempt_at > {now} group by e.account_id, d.endpoint_id),
            due as (
                select d.n, d.next_attempt_at,
                    row_number() over (partition by e.account_id order by d.next_attempt_at, d.n)
                    + coalesce((select sum(b.n) from busy b where b.account_id = e.account_id), 0) as place
                from webhook_endpoints e cross join lateral (
                    select w.n, w.next_attempt_at from webhook_deliveries w where w.endpoint_id = e.id and w.next_attempt_at <= {now}
                    order by w.next_attempt_at, w.n
                    limit greatest(0, case when e.failing_since is null then {MostOfEndpoint} else {MostOfFailing} end - coalesce((select b.n from busy b where b.endpoint_id = e.id), 0))) d
                where e.id = any({locked}))
            update webhook_deliveries d
            set claim_id = {claim}, next_attempt_at = {now + Lease}, attempts = d.attempts + 1, round_attempts = d.round_attempts + 1
            from webhook_endpoints e
            where e.id = d.endpoint_id and d.next_attempt_at <= {now}
              and d.n in (select n from due where place <= {MostOfAccount} order by next_attempt_at, n limit {most})
            returning d.n, d.id, d.payload, d.attempts, d.round_attempts, e.id as endpoint_id, e.url, e.secret, e.previous_secret, e.previous_secret_until
            """).ToListAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return claimed;
    }

    /// <summary>Stores what an attempt came to and what follows from it. Does nothing if the delivery, or the endpoint, is gone or the lease was lost.</summary>
    internal async Task RecordAsync(ClaimedWebhook claimed, WebhookSent sent, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        // Results of one endpoint come one after the other; claims of others don't wait for them.
        var locked = await db.WebhookEndpoints.FromSql(
            $"""
            select id, account_id, url, description, event_types, enabled, disabled_reason, secret, previous_secret, previous_secret_until, failing_since, created_at
            from webhook_endpoints where id = {claimed.EndpointId} for no key update
            """).AsNoTracking().ToListAsync(cancellationToken);
        if (locked is not [var endpoint])
            return;
        var decision = WebhookRules.Decide(claimed.RoundAttempts, endpoint.FailingSince, sent.Outcome, now, Random.Shared.NextDouble());
        // Whoever counted one more attempt has it now.
        var mine = await db.WebhookDeliveries.Where(delivery => delivery.N == claimed.N && delivery.ClaimId != null && delivery.Attempts == claimed.Attempts)
            .ExecuteUpdateAsync(
                rows => rows.SetProperty(delivery => delivery.Status, decision.Status)
                    .SetProperty(delivery => delivery.NextAttemptAt, decision.NextAttemptAt)
                    .SetProperty(delivery => delivery.ClaimId, (Guid?)null),
                cancellationToken);
        if (mine == 0)
            return;
        db.WebhookAttempts.Add(new WebhookAttempt
        {
            DeliveryN = claimed.N,
            N = claimed.Attempts,
            At = now - sent.Duration,
            DurationMs = (int)sent.Duration.TotalMilliseconds,
            Status = sent.Outcome.Status,
            Error = sent.Error,
            Answer = sent.Answer,
        });
        await db.SaveChangesAsync(cancellationToken);
        var disable = endpoint.Enabled ? decision.Disable : null;
        if (decision.FailingSince != endpoint.FailingSince || disable is not null)
        {
            await db.WebhookEndpoints.Where(row => row.Id == endpoint.Id).ExecuteUpdateAsync(
                rows => rows.SetProperty(row => row.FailingSince, decision.FailingSince)
                    .SetProperty(row => row.Enabled, endpoint.Enabled && disable == null)
                    .SetProperty(row => row.DisabledReason, disable ?? endpoint.DisabledReason),
                cancellationToken);
        }

        Guid? told = disable is null ? null : await TellAsync(db, endpoint, disable, now, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (told is { } account)
        {
            metrics.Disabled(disable!);
            hub.Announce(account, jobId: null);
        }
    }

    private static Task<Guid> TellAsync(StagingDb db, WebhookEndpoint endpoint, string reason, DateTimeOffset now, CancellationToken cancellationToken) =>
        EventLog.AppendAsync(
            db, endpoint.AccountId, job: null, listingId: null, WebhookDisabledView.EventType, JsonSerializer.Serialize(new WebhookDisabledView(endpoint.Id, reason, now), StagingViews.Json), cancellationToken);
}
