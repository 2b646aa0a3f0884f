namespace HomeStage.Gateway.Limits;

/// <summary>
/// What this replica knows of one key: until when it is refused, what is left of its lease, and its TAT as last seen, which also carries
/// the local limit while Redis is away. All times are µs of this process's monotonic clock unless said otherwise.
/// </summary>
internal sealed class Bucket
{
    private static readonly long LeaseLife = (long)TimeSpan.FromSeconds(1).TotalMicroseconds;

    private readonly Lock _lock = new();
    private long _refusedUntil;
    private long _tat;
    private long _leased;
    private long _leaseEnds;
    private long _leaseTat;

    /// <summary>Lets one request at a time ask Redis for a lease, so that a crowd does not take one each.</summary>
    public SemaphoreSlim Gate { get; } = new(1);

    /// <summary>µs until requests make sense again, as Redis last said; 0 if they do now.</summary>
    public long Wait(long now) => Math.Max(0, Volatile.Read(ref _refusedUntil) - now);

    /// <summary>Takes one unit out of the lease if there is a live one.</summary>
    public bool TryTakeLeased(long now)
    {
        lock (_lock)
        {
            if (_leased < 1 || now >= _leaseEnds)
                return false;
            _leased--;
            return true;
        }
    }

    /// <summary>Puts back a unit that <see cref="TryTakeLeased"/> gave, because another key had none.</summary>
    public void PutBack()
    {
        lock (_lock)
            _leased++;
    }

    /// <summary>Takes what is left of the lease, to give it back: units, and the TAT in Redis after they were taken.</summary>
    public (long Units, long Until) TakeLeftover()
    {
        lock (_lock)
        {
            var units = _leased;
            _leased = 0;
            return (units, _leaseTat);
        }
    }

    /// <summary>Keeps what Redis answered; some units of what it granted are the present request's.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="limit">What was asked for.</param>
    /// <param name="redisNow">Redis's time of it.</param>
    /// <param name="now">The time here.</param>
    public void Keep(GcraAnswer answer, Counted limit, long redisNow, long now)
    {
        lock (_lock)
        {
            _tat = answer.Tat - redisNow + now;
            // Until there is one unit: whoever wants fewer than this request may be right in asking. Of two that asked at once, one may have got all
            // that there was, and the next ones find it in the lease.
            var wait = answer.Wait - ((limit.Units - 1) * limit.Policy.Interval);
            var hasLease = _leased > 0 && now < _leaseEnds;
            Volatile.Write(ref _refusedUntil, wait > 0 && !hasLease ? now + wait : 0);
            if (answer.Granted < 1)
                return;
            // Two leases at once count as the one that can be given back for the shorter time.
            _leaseTat = _leased > 0 ? Math.Min(_leaseTat, answer.Tat) : answer.Tat;
            _leased += answer.Granted - limit.Units;
            _leaseEnds = now + LeaseLife;
        }
    }

    /// <summary>Decides here alone, with this replica's share of the limit.</summary>
    public GcraAnswer TakeLocally(LimitPolicy policy, int replicas, long now)
    {
        lock (_lock)
        {
            var answer = Gcra.Take(_tat, now, policy.Interval * replicas, Math.Max(1, policy.Burst / replicas), want: 1);
            _tat = answer.Tat;
            return answer;
        }
    }

    /// <summary>Undoes <see cref="TakeLocally"/>, because another key refused.</summary>
    public void UndoLocally(LimitPolicy policy, int replicas)
    {
        lock (_lock)
            _tat -= policy.Interval * replicas;
    }

    /// <summary>What is left and in how many seconds all is back, as far as this replica knows.</summary>
    public (long Remaining, long ResetSeconds) Standing(LimitPolicy policy, long now)
    {
        lock (_lock)
        {
            var left = Math.Max(0, Gcra.Available(_tat, now, policy.Interval, policy.Burst)) + _leased;
            return (left, Math.Max(0, _tat - now + 999_999) / 1_000_000);
        }
    }
}

/// <summary>
/// The buckets of this replica, bounded: when a generation is full the one before it is forgotten, which costs a question to Redis for
/// each key in it that is still in use. A new key always finds room, so that a crowd of addresses cannot switch a limit off.
/// </summary>
internal sealed class Buckets
{
    private const int Generation = 100_000;

    private readonly Lock _lock = new();
    private volatile System.Collections.Concurrent.ConcurrentDictionary<(string Policy, string Subject), Bucket> _young = new();
    private volatile System.Collections.Concurrent.ConcurrentDictionary<(string Policy, string Subject), Bucket> _old = new();
    private int _count;

    public Bucket this[string policy, string subject]
    {
        get
        {
            var key = (policy, subject);
            return _young.TryGetValue(key, out var known) ? known : Rejuvenate(key);
        }
    }

    private Bucket Rejuvenate((string Policy, string Subject) key)
    {
        lock (_lock)
        {
            if (_count >= Generation)
            {
                _old = _young;
                _young = new();
                _count = 0;
            }

            if (_young.TryGetValue(key, out var known))
                return known;
            var bucket = _old.TryGetValue(key, out var older) ? older : new Bucket();
            _young[key] = bucket;
            _count++;
            return bucket;
        }
    }
}
