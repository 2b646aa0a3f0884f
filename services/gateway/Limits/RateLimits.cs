using System.Globalization;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Gateway.Limits;

/// <summary>
/// The limits as requests meet them: which hold for a request, the headers that tell a client where it stands (the fields of
/// draft-ietf-httpapi-ratelimit-headers), and the refusals.
/// </summary>
internal sealed class RateLimits(LimitClasses classes, RateLimiter? limiter, GatewayMetrics metrics, SecurityEvents events)
{
    /// <summary>Whether the address was refused a moment ago, so that it is not worth finding out who calls.</summary>
    internal IResult? Remembered(HttpContext context, string name)
    {
        if (limiter is null)
            return null;
        var limit = classes[name];
        return limiter.Remembered(Limits(context, limit, caller: null)) is { } verdict ? Refuse(context, limit, verdict) : null;
    }

    /// <summary>Counts a request; null if it is within all of its limits, else the answer to refuse it with.</summary>
    /// <param name="context">The request, whose answer gets the headers.</param>
    /// <param name="name">The class, of <see cref="LimitClasses"/>.</param>
    /// <param name="caller">Who is counted beside the address, if anybody is known.</param>
    /// <param name="units">What it weighs in the limits of its class; more than 1 only where the class is closed.</param>
    internal async ValueTask<IResult?> RefusalAsync(HttpContext context, string name, LimitedCaller? caller, int units = 1)
    {
        if (limiter is null)
            return null;
        var limit = classes[name];
        var limits = Limits(context, limit, caller, units);
        var verdict = await limiter.DecideAsync(limits, limit.DecidesInRedis, limit.Closed, context.RequestAborted);
        metrics.LimitDecided(limit.Name, verdict.Outcome);
        switch (verdict.Outcome)
        {
            case LimitOutcome.Allowed or LimitOutcome.AllowedLocally:
                Tell(context.Response.Headers, limits);
                return null;
            case LimitOutcome.Unavailable:
                context.Response.Headers.RetryAfter = "1";
                return Problem.Result(ProblemCode.UsageUnavailable, "Nothing was done. Try again in a few seconds.");
            default:
                return Refuse(context, limit, verdict);
        }
    }

    private Counted[] Limits(HttpContext context, LimitClass limit, LimitedCaller? caller, int units = 1)
    {
        var address = ClientAddress.Of(context);
        var own = caller?.Own.Count ?? 0;
        var count = limit.Policies.Count;
        var limits = new Counted[(count * (1 + (address.Network is null ? 0 : 1) + (caller is null ? 0 : 1))) + own];
        var at = 0;
        foreach (var policy in limit.Policies)
            limits[at++] = limiter!.Count(policy, address.Subject, units);
        if (address.Network is { } network)
        {
            foreach (var policy in limit.NetworkPolicies)
                limits[at++] = limiter!.Count(policy, network, units);
        }

        if (caller is null)
            return limits;
        foreach (var policy in limit.Policies)
            limits[at++] = limiter!.Count(policy, caller.Subject, units);
        foreach (var policy in caller.Own)
            limits[at++] = limiter!.Count(policy, caller.Subject);
        return limits;
    }

    private ProblemHttpResult Refuse(HttpContext context, LimitClass limit, LimitVerdict verdict)
    {
        var seconds = Math.Max(1, (verdict.Wait + 999_999) / 1_000_000);
        var headers = context.Response.Headers;
        headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (verdict.By is { } by)
        {
            headers["RateLimit-Policy"] = by.Policy.Description;
            headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{by.Policy.Name}\";r=0;t={seconds}");
        }

        // A remembered refusal was told when it was new: a flood is one line, and all of it is counted.
        if (verdict.Outcome != LimitOutcome.Remembered)
            events.RateLimited(context, limit.Name);
        return Problem.Result(ProblemCode.RateLimited, $"Try again in {seconds} s.", ("retryAfterSeconds", seconds));
    }

    private void Tell(IHeaderDictionary headers, Counted[] limits)
    {
        var now = limiter!.Now;
        Counted tightest = default;
        var (left, reset) = (long.MaxValue, 0L);
        foreach (var limit in limits)
        {
            if (limit.Bucket.Standing(limit.Policy, now) is var (remaining, seconds) && remaining < left)
                (tightest, left, reset) = (limit, remaining, seconds);
        }

        headers["RateLimit-Policy"] = tightest.Policy.Description;
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{tightest.Policy.Name}\";r={left};t={reset}");
    }
}
