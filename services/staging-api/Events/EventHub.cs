using System.Threading.Channels;

namespace HomeStage.Staging.Events;

/// <summary>
/// Who in this replica waits for events of which job, listing or account. Waking is only a hint to read: nothing is lost when a wake is.
/// </summary>
internal sealed class EventHub
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, List<EventSubscription>> _subscriptions = [];

    // Old news may be dropped when Redis is slow: other replicas also poll.
    private readonly Channel<Announcement> _outgoing = Channel.CreateBounded<Announcement>(
        new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    /// <summary>What other replicas are to be told.</summary>
    internal ChannelReader<Announcement> Outgoing => _outgoing.Reader;

    /// <summary>Whether anybody waits at all.</summary>
    internal bool HasSubscriptions
    {
        get
        {
            lock (_gate)
                return _subscriptions.Count > 0;
        }
    }

    /// <summary>Waits for events of a job, a listing or an account from now on; to be disposed.</summary>
    internal EventSubscription Subscribe(Guid subject)
    {
        var subscription = new EventSubscription(this, subject);
        lock (_gate)
        {
            if (!_subscriptions.TryGetValue(subject, out var list))
                _subscriptions[subject] = list = [];
            list.Add(subscription);
        }

        return subscription;
    }

    /// <summary>An event was committed here: wakes this replica's streams, and the others'.</summary>
    internal void Announce(Guid accountId, Guid? jobId, Guid? listingId = null)
    {
        Guid[] subjects = [.. ((Guid?[])[accountId, jobId, listingId]).OfType<Guid>()];
        Wake(subjects);
        _outgoing.Writer.TryWrite(new Announcement(subjects));
    }

    /// <summary>Wakes this replica's streams of accounts, jobs and listings.</summary>
    internal void Wake(params ReadOnlySpan<Guid> subjects)
    {
        foreach (var subject in subjects)
            WakeIfBehind(subject, long.MaxValue);
    }

    /// <summary>Wakes the streams of one subject that have not read up to <paramref name="n"/>.</summary>
    internal void WakeIfBehind(Guid subject, long n)
    {
        lock (_gate)
        {
            if (!_subscriptions.TryGetValue(subject, out var list))
                return;
            foreach (var subscription in list)
                subscription.WakeIfBehind(n);
        }
    }

    internal void Remove(EventSubscription subscription)
    {
        lock (_gate)
        {
            if (_subscriptions.TryGetValue(subscription.Subject, out var list) && list.Remove(subscription) && list.Count == 0)
                _subscriptions.Remove(subscription.Subject);
        }
    }
}

/// <summary>That there are new events of these: an account, and a job or a listing of it.</summary>
internal sealed record Announcement(IReadOnlyList<Guid> Subjects);

/// <summary>One stream's place in the hub.</summary>
internal sealed class EventSubscription(EventHub hub, Guid subject) : IDisposable
{
    private readonly SemaphoreSlim _signal = new(0, 1);
    private long _read;

    internal Guid Subject => subject;

    /// <summary>The number of the last event that the stream has read.</summary>
    internal long Read
    {
        get => Volatile.Read(ref _read);
        set => Volatile.Write(ref _read, value);
    }

    public void Dispose()
    {
        hub.Remove(this);
        _signal.Dispose();
    }

    /// <summary>Waits to be woken. False when the time is over; also, without an exception, when canceled.</summary>
    internal async Task<bool> WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        try
        {
            return await _signal.WaitAsync(atMost, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    // Called under the hub's lock, where nothing is disposed that is still listed.
    internal void WakeIfBehind(long n)
    {
        if (n > Read && _signal.CurrentCount == 0)
            _signal.Release();
    }
}
