using HomeStage.Hosting.Redis;

namespace HomeStage.Gateway.Limits;

/// <summary>One limit on one subject, with what this replica knows of it.</summary>
/// <param name="Policy">The limit.</param>
/// <param name="Subject">Who is counted, e.g. <c>a:</c> and the hash of an address.</param>
/// <param name="Bucket">What is known here.</param>
/// <param name="Units">What the request weighs; more than 1 only where each request is decided in Redis.</param>
internal readonly record struct Counted(LimitPolicy Policy, string Subject, Bucket Bucket, int Units = 1);

/// <summary>What the limits say to a request.</summary>
internal enum LimitOutcome
{
    /// <summary>It may go on.</summary>
    Allowed,

    /// <summary>Redis refused it.</summary>
    Refused,

    /// <summary>Refused from memory: Redis said before that this makes no sense yet.</summary>
    Remembered,

    /// <summary>It may go on by this replica's share of the limit, since Redis is away.</summary>
    AllowedLocally,

    /// <summary>Refused by this replica's share of the limit, since Redis is away.</summary>
    RefusedLocally,

    /// <summary>It must not be guessed, and Redis is away.</summary>
    Unavailable,
}

/// <summary>The outcome, the limit that decided it, and how long to wait, µs.</summary>
internal readonly record struct LimitVerdict(LimitOutcome Outcome, Counted? By = null, long Wait = 0);

/// <summary>
/// Decides whether a request is within its limits. In this order: what was refused a moment ago is refused again without asking; large
/// limits are taken out of a lease; the rest is one question to Redis for all limits of the request. Without Redis, closed classes are
/// unavailable and the others go by the replica's own share.
/// </summary>
internal sealed class RateLimiter(LimitStore store, int replicas, TimeProvider time)
{
    // With Redis's own limit of 100 ms this keeps a refusal within 250 ms of the request.
    private static readonly TimeSpan GateLimit = TimeSpan.FromMilliseconds(50);

    private readonly Buckets _buckets = new();
    private readonly double _microseconds = 1_000_000d / time.TimestampFrequency;

    /// <summary>The time of this process in µs, which no correction of the wall clock moves.</summary>
    internal long Now => (long)(time.GetTimestamp() * _microseconds);

    /// <summary>The limit on a subject.</summary>
    internal Counted Count(LimitPolicy policy, string subject, int units = 1) => new(policy, subject, _buckets[policy.Name, subject], units);

    /// <summary>A refusal that is still remembered; null if there is none.</summary>
    internal LimitVerdict? Remembered(ReadOnlySpan<Counted> limits)
    {
        var now = Now;
        LimitVerdict? longest = null;
        foreach (var limit in limits)
        {
            if (limit.Bucket.Wait(now) is var wait && wait > (longest?.Wait ?? 0))
                longest = new(LimitOutcome.Remembered, limit, wait);
        }

        return longest;
    }

    /// <summary>Decides one request.</summary>
    /// <param name="limits">All limits that hold for it, the one that most requests share first.</param>
    /// <param name="decidesInRedis">Whether every request is asked for singly.</param>
    /// <param name="closed">Whether nothing is guessed without Redis.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    internal async ValueTask<LimitVerdict> DecideAsync(Counted[] limits, bool decidesInRedis, bool closed, CancellationToken cancellationToken)
    {
        if (DecideFromMemory(limits, decidesInRedis) is { } known)
            return known;
        // Whoever waits too long for the others asks for itself.
        var gate = decidesInRedis ? null : limits[0].Bucket.Gate;
        var entered = gate is not null && await gate.WaitAsync(GateLimit, cancellationToken);
        try
        {
            // Somebody else may have asked meanwhile.
            return (entered ? DecideFromMemory(limits, decidesInRedis) : null) ?? await AskAsync(limits, decidesInRedis, cancellationToken);
        }
        catch (RedisUnavailableException)
        {
            return DecideWithoutRedis(limits, closed);
        }
        finally
        {
            if (entered)
                gate!.Release();
        }
    }

    private LimitVerdict? DecideFromMemory(Counted[] limits, bool decidesInRedis)
    {
        if (Remembered(limits) is { } refused)
            return refused;
        if (decidesInRedis)
            return null;
        var now = Now;
        for (var i = 0; i < limits.Length; i++)
        {
            if (limits[i].Bucket.TryTakeLeased(now))
                continue;
            while (--i >= 0)
                limits[i].Bucket.PutBack();
            return null;
        }

        return new(LimitOutcome.Allowed);
    }

    private async Task<LimitVerdict> AskAsync(Counted[] limits, bool decidesInRedis, CancellationToken cancellationToken)
    {
        var questions = new LimitQuestion[limits.Length];
        for (var i = 0; i < limits.Length; i++)
        {
            var (policy, subject, bucket, units) = limits[i];
            var (back, until) = bucket.TakeLeftover();
            questions[i] = new($"{LimitStore.Prefix}{policy.Name}:{subject}", policy, decidesInRedis ? units : policy.Lease(replicas), back, until, units);
        }

        var (redisNow, answers) = await store.TakeAsync(questions, cancellationToken);
        var now = Now;
        var verdict = new LimitVerdict(LimitOutcome.Allowed);
        for (var i = 0; i < limits.Length; i++)
        {
            limits[i].Bucket.Keep(answers[i], limits[i], redisNow, now);
            if (answers[i].Wait > verdict.Wait)
                verdict = new(LimitOutcome.Refused, limits[i], answers[i].Wait);
        }

        return verdict;
    }

    private LimitVerdict DecideWithoutRedis(Counted[] limits, bool closed)
    {
        if (closed)
            return new(LimitOutcome.Unavailable, Wait: 1_000_000);
        var now = Now;
        for (var i = 0; i < limits.Length; i++)
        {
            var answer = limits[i].Bucket.TakeLocally(limits[i].Policy, replicas, now);
            if (answer.Granted > 0)
                continue;
            var by = limits[i];
            while (--i >= 0)
                limits[i].Bucket.UndoLocally(limits[i].Policy, replicas);
            return new(LimitOutcome.RefusedLocally, by, answer.Wait);
        }

        return new(LimitOutcome.AllowedLocally);
    }
}
