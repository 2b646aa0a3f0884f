using System.Data;
using HomeStage.Hosting.Problems;
using HomeStage.Staging.Stagings;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace HomeStage.Staging.WebhookEndpoints;

/// <summary>Endpoints and their log, as their owners see and change them. Every look at an endpoint names its owner.</summary>
internal sealed class WebhookEndpointStore(
    IDbContextFactory<StagingDb> databases, RequestKeys keys, WebhookSecrets secrets, WebhookTargets targets, TimeProvider time)
{
    /// <summary>How long the secret before a rotation signs too.</summary>
    internal static readonly TimeSpan Overlap = TimeSpan.FromHours(24);

    /// <summary>Makes an endpoint, with its secret. The endpoint is null, and nothing is made, if the key was used meanwhile.</summary>
    /// <exception cref="ProblemException">It cannot be made; says why.</exception>
    internal async Task<(WebhookEndpoint? Endpoint, byte[] Secret)> CreateAsync(
        Owner owner, IdempotencyKey key, byte[] fingerprint, WebhookEndpointForm form, CancellationToken cancellationToken)
    {
        if (form.Refusal(whole: true) is { } refusal)
            throw new ProblemException(refusal);
        await RequireTargetAsync(form.Url!, cancellationToken);
        var now = time.GetUtcNow();
        var id = Guid.CreateVersion7(now);
        var secret = WebhookSecrets.New();
        var enabled = form.Enabled ?? true;
        var endpoint = new WebhookEndpoint
        {
            Id = id,
            AccountId = owner.AccountId,
            Url = form.Url!,
            Description = TextOf(form.Description),
            EventTypes = [.. form.EventTypes!],
            Enabled = enabled,
            DisabledReason = enabled ? null : WebhookDisabled.ByOwner,
            Secret = secrets.Seal(id, secret),
            CreatedAt = now,
        };

        // One at a time for an account: two at once would both count before either is counted.
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var turn = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"select pg_advisory_xact_lock(hashtextextended({"webhook-endpoints " + owner.AccountId}, 0))", cancellationToken);
        if (await Of(db, owner).CountAsync(cancellationToken) >= WebhookEndpoint.MostOfAccount)
            throw new ProblemException(Problem.Result(ProblemCode.WebhookLimitReached, $"An account has {WebhookEndpoint.MostOfAccount} webhook endpoints at most. Delete one that is not needed."));
        if (!await keys.TryUseAsync(db, owner, key, fingerprint, id, context => context.WebhookEndpoints.Add(endpoint), cancellationToken))
            return (null, secret);
        await turn.CommitAsync(cancellationToken);
        return (endpoint, secret);
    }

    internal async Task<IReadOnlyList<WebhookEndpoint>> ListAsync(Owner owner, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Of(db, owner).OrderByDescending(endpoint => endpoint.Id).ToListAsync(cancellationToken);
    }

    internal async Task<WebhookEndpoint?> FindAsync(Owner owner, Guid id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Of(db, owner).SingleOrDefaultAsync(endpoint => endpoint.Id == id, cancellationToken);
    }

    /// <summary>Changes what the form says. Null if there is no such endpoint.</summary>
    /// <exception cref="ProblemException">It cannot be changed so; says why.</exception>
    internal async Task<WebhookEndpoint?> ChangeAsync(Owner owner, Guid id, WebhookEndpointForm form, CancellationToken cancellationToken)
    {
        if (await FindAsync(owner, id, cancellationToken) is null)
            return null;
        if (form.Refusal(whole: false) is { } refusal)
            throw new ProblemException(refusal);
        if (form.Url is not null)
            await RequireTargetAsync(form.Url, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var mine = Of(db, owner).Where(endpoint => endpoint.Id == id);
        if (form.Url is { } url)
            await mine.ExecuteUpdateAsync(rows => rows.SetProperty(row => row.Url, url).SetProperty(row => row.FailingSince, (DateTimeOffset?)null), cancellationToken);
        if (form.EventTypes is { } types)
            await mine.ExecuteUpdateAsync(rows => rows.SetProperty(row => row.EventTypes, types.ToArray()), cancellationToken);
        if (form.Description is { } description)
            await mine.ExecuteUpdateAsync(rows => rows.SetProperty(row => row.Description, TextOf(description)), cancellationToken);
        if (form.Enabled is { } enabled)
        {
            await mine.Where(endpoint => endpoint.Enabled != enabled).ExecuteUpdateAsync(
                rows => rows.SetProperty(row => row.Enabled, enabled)
                    .SetProperty(row => row.DisabledReason, enabled ? null : WebhookDisabled.ByOwner)
                    .SetProperty(row => row.FailingSince, (DateTimeOffset?)null),
                cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return await FindAsync(owner, id, cancellationToken);
    }

    internal async Task<bool> DeleteAsync(Owner owner, Guid id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Of(db, owner).Where(endpoint => endpoint.Id == id).ExecuteDeleteAsync(cancellationToken) > 0;
    }

    /// <summary>Gives an endpoint another secret; the one that it had signs too for a while. Null if there is no such endpoint.</summary>
    internal async Task<(WebhookEndpoint Endpoint, byte[] Secret)?> RotateAsync(Owner owner, Guid id, CancellationToken cancellationToken)
    {
        var secret = WebhookSecrets.New();
        var @sealed = secrets.Seal(id, secret);
        DateTimeOffset? until = time.GetUtcNow() + Overlap;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await Of(db, owner).Where(endpoint => endpoint.Id == id).ExecuteUpdateAsync(
            rows => rows.SetProperty(row => row.PreviousSecret, row => row.Secret).SetProperty(row => row.PreviousSecretUntil, until).SetProperty(row => row.Secret, @sealed),
            cancellationToken);
        return await FindAsync(owner, id, cancellationToken) is { } endpoint ? (endpoint, secret) : null;
    }

    /// <summary>Has a test sent to an endpoint of the caller. Null if it was deleted meanwhile.</summary>
    internal async Task<WebhookDelivery?> PingAsync(Guid endpointId, CancellationToken cancellationToken)
    {
        var message = WebhookEventTypes.PingOf(endpointId, time.GetUtcNow());
        var delivery = new WebhookDelivery
        {
            Id = Guid.CreateVersion7(message.At),
            EndpointId = endpointId,
            Type = message.Type,
            Payload = message.Payload,
            NextAttemptAt = message.At,
            CreatedAt = message.At,
        };
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.WebhookDeliveries.Add(delivery);
        try
        {
            await db.SaveChangesAsync(cancellationToken);
            return delivery;
        }
        catch (DbUpdateException error) when (error.InnerException is PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation })
        {
            return null;
        }
    }

    /// <summary>Deliveries of an endpoint of the caller with their last attempts, the newest first.</summary>
    internal async Task<IReadOnlyList<(WebhookDelivery Delivery, WebhookAttempt? Last)>> DeliveriesAsync(
        Guid endpointId, string? status, long? before, int count, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // A delivery and its log are of one moment: an attempt may be ending.
        await using var moment = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var rows = await db.WebhookDeliveries.AsNoTracking()
            .Where(delivery => delivery.EndpointId == endpointId && (status == null || delivery.Status == status) && (before == null || delivery.N < before))
            .OrderByDescending(delivery => delivery.N).Take(count).ToListAsync(cancellationToken);
        var numbers = rows.Select(delivery => delivery.N).ToArray();
        var attempts = await db.WebhookAttempts.AsNoTracking().Where(attempt => numbers.Contains(attempt.DeliveryN)).ToListAsync(cancellationToken);
        var last = attempts.GroupBy(attempt => attempt.DeliveryN).ToDictionary(group => group.Key, group => group.MaxBy(attempt => attempt.N));
        return [.. rows.Select(delivery => (delivery, last.GetValueOrDefault(delivery.N)))];
    }

    /// <summary>A delivery of an endpoint of the caller with its attempts, the oldest first.</summary>
    internal async Task<(WebhookDelivery Delivery, IReadOnlyList<WebhookAttempt> Log)?> FindDeliveryAsync(Guid endpointId, Guid id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // A delivery and its log are of one moment: an attempt may be ending.
        await using var moment = await db.Database.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        if (await db.WebhookDeliveries.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id && row.EndpointId == endpointId, cancellationToken) is not { } delivery)
            return null;
        return (delivery, await db.WebhookAttempts.AsNoTracking().Where(attempt => attempt.DeliveryN == delivery.N).OrderBy(attempt => attempt.N).ToListAsync(cancellationToken));
    }

    /// <summary>Has a delivery sent once more; false while it is pending.</summary>
    internal async Task<bool> ReplayAsync(Guid deliveryId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ReplayAsync(db.WebhookDeliveries.Where(delivery => delivery.Id == deliveryId && delivery.Status != WebhookDeliveryStatus.Pending), cancellationToken) > 0;
    }

    /// <summary>Has all deliveries of an endpoint sent once more that failed and were created since a time.</summary>
    internal async Task<int> ReplayFailedAsync(Guid endpointId, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ReplayAsync(
            db.WebhookDeliveries.Where(delivery => delivery.EndpointId == endpointId && delivery.Status == WebhookDeliveryStatus.Failed && delivery.CreatedAt >= since), cancellationToken);
    }

    private Task<int> ReplayAsync(IQueryable<WebhookDelivery> deliveries, CancellationToken cancellationToken)
    {
        DateTimeOffset? now = time.GetUtcNow();
        return deliveries.ExecuteUpdateAsync(
            rows => rows.SetProperty(row => row.Status, WebhookDeliveryStatus.Pending).SetProperty(row => row.RoundAttempts, 0).SetProperty(row => row.NextAttemptAt, now), cancellationToken);
    }

    private async Task RequireTargetAsync(string url, CancellationToken cancellationToken)
    {
        if (await targets.RefusalAsync(url, cancellationToken) is { } refusal)
            throw new ProblemException(refusal);
    }

    private static string? TextOf(string? description) => string.IsNullOrWhiteSpace(description) ? null : description.Trim();

    private static IQueryable<WebhookEndpoint> Of(StagingDb db, Owner owner) => db.WebhookEndpoints.AsNoTracking().Where(endpoint => owner.Accounts.Contains(endpoint.AccountId));
}
