namespace HomeStage.Gateway.Telemetry;

/// <summary>
/// Refused credentials of the last minute by address. A label for each address would have no bound; how many the worst one has is one
/// number, and whoever watches several gateways adds theirs up, which never makes it less than what that address did.
/// </summary>
internal sealed class RecentFailures(TimeProvider time)
{
    /// <summary>Beyond this the oldest are forgotten; whoever fails more often than that in a minute is the worst all the same.</summary>
    private const int Most = 20_000;

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Queue<(DateTimeOffset At, string Address)> _failures = [];

    /// <summary>How many the address with the most has.</summary>
    internal int OfWorstAddress
    {
        get
        {
            lock (_gate)
            {
                Forget();
                return _failures.CountBy(failure => failure.Address, StringComparer.Ordinal).Select(address => address.Value).DefaultIfEmpty().Max();
            }
        }
    }

    internal void Add(string addressHash)
    {
        lock (_gate)
        {
            Forget();
            if (_failures.Count == Most)
                _failures.Dequeue();
            _failures.Enqueue((time.GetUtcNow(), addressHash));
        }
    }

    private void Forget()
    {
        var oldest = time.GetUtcNow() - Kept;
        while (_failures.TryPeek(out var failure) && failure.At < oldest)
            _failures.Dequeue();
    }
}
