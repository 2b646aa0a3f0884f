using HomeStage.Billing.Stripe;
using HomeStage.Hosting.Batching;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Billing.Webhooks;

/// <summary>
/// The one door for Stripe's events. In one transaction an event is stored, once by its id, and what it proves is applied; it was
/// received if, and only if, that commits. Events that arrive while others are being committed are received together.
/// </summary>
internal sealed class EventIntake
{
    private const int MostTogether = 50;

    /// <summary>Batches at once: an order that somebody else has locked keeps only those of its lane waiting.</summary>
    private const int Lanes = 2;

    private readonly IDbContextFactory<BillingDb> _databases;
    private readonly EventApplication _application;
    private readonly WaitingEvents _waiting;
    private readonly TimeProvider _time;
    private readonly Batches<int, Arrival, bool> _batches;

    public EventIntake(IDbContextFactory<BillingDb> databases, EventApplication application, WaitingEvents waiting, BillingMetrics metrics, TimeProvider time)
    {
        (_databases, _application, _waiting, _time) = (databases, application, waiting, time);
        // What the callers wait for is the database's own time limit, not each other's patience.
        _batches = new((_, together) => CommitAsync(together, CancellationToken.None), MostTogether);
        metrics.ObserveArrivals(() => WaitingCount);
    }

    /// <inheritdoc cref="Batches{TKey, TItem, TResult}.WaitingCount"/>
    internal int WaitingCount => _batches.WaitingCount;

    /// <summary>Receives an event; false if it was received before.</summary>
    /// <param name="happened">The event as it was read.</param>
    /// <param name="payload">The bytes that it was read from.</param>
    /// <param name="source">How it came.</param>
    /// <param name="cancellationToken">Gives up; then nothing was received, or everything.</param>
    internal Task<bool> ReceiveAsync(StripeEvent happened, byte[] payload, EventSource source, CancellationToken cancellationToken)
    {
        var order = _application.OrderOf(happened);
        // Events of one order share a lane, and so do repetitions of one event.
        var lane = (int)((uint)(order?.GetHashCode() ?? StringComparer.Ordinal.GetHashCode(happened.Id)) % Lanes);
        return _batches.AddAsync(lane, new Arrival(happened, payload, source, order), cancellationToken);
    }

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Arrival> together, CancellationToken cancellationToken)
    {
        var first = together.DistinctBy(arrival => arrival.Event.Id).ToList();
        while (first.Count > 0 && await TryCommitAsync(first, cancellationToken) is { } fresh)
            first.RemoveAll(arrival => !fresh.Contains(arrival.Event.Id));
        return [.. together.Select(arrival => first.Exists(received => ReferenceEquals(received, arrival)))];
    }

    /// <summary>Null when all were received; else those that were not received before, and nothing was done.</summary>
    private async Task<IReadOnlySet<string>?> TryCommitAsync(IReadOnlyList<Arrival> together, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        await using var db = await _databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var orders = await db.LockOrdersAsync(together.Where(arrival => arrival.OrderId is not null).Select(arrival => arrival.OrderId!.Value), cancellationToken);
        var stored = new List<StoredEvent>();
        var settled = new List<(StripeEvent Event, Verdict Verdict)>();
        foreach (var arrival in together)
        {
            var createdAt = arrival.Event.CreatedAt ?? now;
            var verdict = await _application.ApplyAsync(db, orders, arrival.Event, createdAt, cancellationToken);
            stored.Add(arrival.Stored(verdict, createdAt, now));
            settled.Add((arrival.Event, verdict));
        }

        // Few come twice, so that is found out by storing them.
        var fresh = await db.StoreAsync(stored, cancellationToken);
        if (fresh.Count < stored.Count)
            return fresh;
        await transaction.CommitAsync(cancellationToken);
        foreach (var (happened, verdict) in settled)
            _application.Report(happened.Id, happened.Type, verdict);
        if (settled.Exists(item => item.Verdict is { State: EventState.Waiting } verdict && verdict.Wait == TimeSpan.Zero))
            _waiting.Wake();
        return null;
    }

    private sealed record Arrival(StripeEvent Event, byte[] Payload, EventSource Source, Guid? OrderId)
    {
        public StoredEvent Stored(Verdict verdict, DateTimeOffset createdAt, DateTimeOffset now)
        {
            var waits = verdict.State == EventState.Waiting;
            return new StoredEvent
            {
                Id = Event.Id,
                Type = Event.Type,
                Livemode = Event.Livemode,
                ApiVersion = Event.ApiVersion,
                CreatedAt = createdAt.ToUniversalTime(),
                ReceivedAt = now,
                Payload = Payload,
                Source = Source,
                OrderId = verdict.OrderId,
                State = verdict.State,
                Reason = verdict.Reason,
                DueAt = waits ? now + verdict.Wait : null,
                SettledAt = waits ? null : now,
            };
        }
    }
}
