namespace HomeStage.Gateway.Webhooks;

/// <summary>
/// The places at the webhook door. Who is still sending its body when somebody new finds all places taken gives way, the longest first:
/// Stripe sends at once, and those who send slowly can only push out each other. A place whose body is complete is kept to its end.
/// </summary>
internal sealed class WebhookSlots
{
    /// <summary>How many there are.</summary>
    internal const int Count = 64;

    private readonly Lock _lock = new();
    private readonly LinkedList<Slot> _sending = new();
    private int _taken;

    /// <summary>Takes a place; null if all are taken by complete requests. Dispose it at the end of the request.</summary>
    internal Slot? TryTake()
    {
        Slot? evicted = null;
        var slot = new Slot(this);
        lock (_lock)
        {
            if (_taken == Count)
            {
                if (_sending.First is not { } longest)
                    return null;
                evicted = longest.Value;
                Leave(evicted);
            }

            _taken++;
            slot.Place = _sending.AddLast(slot);
            slot.IsTaken = true;
        }

        evicted?.Evict();
        return slot;
    }

    private void Leave(Slot slot)
    {
        if (!slot.IsTaken)
            return;
        slot.IsTaken = false;
        _taken--;
        if (slot.Place is { } place)
            _sending.Remove(place);
        slot.Place = null;
    }

    /// <summary>One place.</summary>
    internal sealed class Slot(WebhookSlots all) : IDisposable
    {
        private readonly CancellationTokenSource _evicted = new();

        /// <summary>Canceled if the place is given to somebody else.</summary>
        internal CancellationToken Evicted => _evicted.Token;

        internal LinkedListNode<Slot>? Place { get; set; }

        internal bool IsTaken { get; set; }

        /// <summary>The body is complete: from now on the place is kept. False if it was lost a moment before.</summary>
        internal bool Complete()
        {
            lock (all._lock)
            {
                if (!IsTaken)
                    return false;
                all._sending.Remove(Place!);
                Place = null;
                return true;
            }
        }

        internal void Evict() => _evicted.Cancel();

        /// <summary>Leaves the place.</summary>
        public void Dispose()
        {
            lock (all._lock)
                all.Leave(this);
        }
    }
}
