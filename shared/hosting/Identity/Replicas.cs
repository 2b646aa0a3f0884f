namespace HomeStage.Hosting.Identity;

/// <summary>The replicas of a service that is called, in turn, and those that did not answer lately last.</summary>
/// <param name="urls">Their addresses.</param>
/// <param name="time">The clock.</param>
internal sealed class Replicas(IReadOnlyList<Uri> urls, TimeProvider time)
{
    /// <summary>How long a replica that did not answer is asked only when no other is left.</summary>
    internal static readonly TimeSpan AwayFor = TimeSpan.FromSeconds(5);

    private readonly long[] _awayUntil = new long[urls.Count];
    private int _next = -1;

    /// <summary>Every replica once, in the order in which a request tries them.</summary>
    public IEnumerable<int> Turn()
    {
        if (urls.Count == 1)
            return [0];
        var first = (uint)Interlocked.Increment(ref _next);
        var now = time.GetTimestamp();
        return Enumerable.Range(0, urls.Count).Select(offset => (int)((first + (uint)offset) % (uint)urls.Count)).OrderBy(replica => Volatile.Read(ref _awayUntil[replica]) > now).ToArray();
    }

    /// <summary>The same request at a replica.</summary>
    public Uri At(int replica, Uri request) => new(urls[replica], request.PathAndQuery);

    /// <summary>The replica answered.</summary>
    public void Answered(int replica) => Volatile.Write(ref _awayUntil[replica], 0);

    /// <summary>The replica did not answer.</summary>
    public void DidNotAnswer(int replica) =>
        Volatile.Write(ref _awayUntil[replica], time.GetTimestamp() + (long)(AwayFor.TotalSeconds * time.TimestampFrequency));
}

/// <summary>
/// Sends a request to one replica, and if that cannot have seen it to the next. What may have arrived is sent again only if it may be
/// repeated: by its method, or because the caller says so of all its requests. Bodies are such as can be written again, as JSON can.
/// </summary>
internal sealed class ReplicaHandler(Replicas replicas, bool repeatable) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = request.RequestUri!;
        HttpRequestException? failure = null;
        foreach (var replica in replicas.Turn())
        {
            try
            {
                request.RequestUri = replicas.At(replica, asked);
                var answer = await base.SendAsync(request, cancellationToken);
                replicas.Answered(replica);
                return answer;
            }
            catch (HttpRequestException error)
            {
                replicas.DidNotAnswer(replica);
                failure = error;
                if (!MayBeSentAgain(request, error))
                    break;
            }
            catch (OperationCanceledException)
            {
                // Its time was over; or the caller left, in which case the next one has another turn.
                replicas.DidNotAnswer(replica);
                throw;
            }
        }

        throw failure!;
    }

    private bool MayBeSentAgain(HttpRequestMessage request, HttpRequestException error) =>
        repeatable
        || error.WasNotSent
        || request.Method == HttpMethod.Get || request.Method == HttpMethod.Put;
}
