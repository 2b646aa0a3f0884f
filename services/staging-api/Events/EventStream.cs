using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using HomeStage.Hosting.Messaging;
using HomeStage.Staging.Stagings;

namespace HomeStage.Staging.Events;

/// <summary>How often a quiet stream says that it lives, and for how long a client may leave an event untaken.</summary>
internal sealed record EventStreamTimes(TimeSpan Ping)
{
    public TimeSpan Untaken { get; init; } = TimeSpan.FromSeconds(15);

    internal static readonly EventStreamTimes Default = new(TimeSpan.FromSeconds(15));
}

/// <summary>
/// Turns a feed into a stream: subscribes first, then reads; every wake and every ping reads what follows the last number
/// sent. Between reads it holds nothing but its place in the hub.
/// </summary>
internal sealed class EventStream(EventHub hub, StagingMetrics metrics, EventStreamTimes times, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private static readonly TimeSpan Reconnection = TimeSpan.FromSeconds(2);

    /// <param name="feed">What to send.</param>
    /// <param name="after">The last number that the client has; null to begin with a snapshot.</param>
    /// <param name="cancellationToken">The client went away.</param>
    internal async IAsyncEnumerable<SseItem<string>> ReadAsync(
        EventFeed feed, long? after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var subscription = hub.Subscribe(feed.Subject);
        metrics.StreamOpened();
        try
        {
            if (after is { } known)
            {
                subscription.Read = known;
                // Something at once, so that proxies and clients know that the stream is open.
                yield return Ping(Reconnection);
            }
            else
            {
                var snapshot = await feed.SnapshotAsync(cancellationToken);
                subscription.Read = snapshot.N;
                yield return new SseItem<string>(snapshot.Body, "snapshot") { EventId = feed.IdOf(snapshot.N), ReconnectionInterval = Reconnection };
                if (snapshot.Ended)
                    yield break;
            }

            while (!closing.IsCancellationRequested)
            {
                var events = await TryReadAsync(feed, subscription.Read, closing.Token);
                foreach (var item in events)
                {
                    subscription.Read = item.N;
                    yield return new SseItem<string>(item.Body, item.Type) { EventId = feed.IdOf(item.N) };
                    if (feed.EndsWith(item.Type))
                        yield break;
                }

                if (events.Count == 0 && !await subscription.WaitAsync(times.Ping, closing.Token) && !closing.IsCancellationRequested)
                    yield return Ping();
            }

            // All streams of a stopping replica would come back in the same moment.
            if (!cancellationToken.IsCancellationRequested)
                yield return Ping(TimeSpan.FromMilliseconds(Random.Shared.Next(500, 3000)));
        }
        finally
        {
            metrics.StreamClosed();
        }
    }

    /// <summary>
    /// The same items, for a client that takes them: one that leaves an item untaken for too long is cut, resumes later, and meanwhile holds
    /// nothing here. (The server's own least data rate gives a large event hours.)
    /// </summary>
    /// <param name="items">What is sent.</param>
    /// <param name="cut">Ends the connection.</param>
    internal async IAsyncEnumerable<SseItem<string>> WatchAsync(IAsyncEnumerable<SseItem<string>> items, Action cut)
    {
        await using var limit = time.CreateTimer(_ => cut(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await foreach (var item in items)
        {
            limit.Change(times.Untaken, Timeout.InfiniteTimeSpan);
            yield return item;
            limit.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    // A database that is away ends no stream: the next wake or ping reads again.
    private static async Task<IReadOnlyList<FeedEvent>> TryReadAsync(EventFeed feed, long after, CancellationToken cancellationToken)
    {
        try
        {
            return await feed.AfterAsync(after, cancellationToken);
        }
        catch (Exception error) when (Infrastructure.IsTransient(error) || cancellationToken.IsCancellationRequested)
        {
            return [];
        }
    }

    private SseItem<string> Ping(TimeSpan? reconnection = null) =>
        new(JsonSerializer.Serialize(new MomentView(time.GetUtcNow()), StagingViews.Json), "ping") { ReconnectionInterval = reconnection };
}
