namespace HomeStage.Simulators.OpenAI;

/// <summary>The account's limits: three buckets that fill evenly over a minute, shown in <c>x-ratelimit-*</c> and enforced for images.</summary>
internal sealed class RateLimits(OpenAiBehaviour behaviour, TimeProvider time)
{
    private const int RequestsPerMinute = 100_000;
    private const int TokensPerMinute = 800_000_000;

    private readonly Lock _gate = new();
    private readonly Bucket _requests = new(time.GetTimestamp());
    private readonly Bucket _tokens = new(time.GetTimestamp());
    private readonly Bucket _images = new(time.GetTimestamp());

    /// <summary>Takes what the request asks for, or throws 429 with the wait.</summary>
    public void Take(ImageEdit edit, int expectedTokens)
    {
        lock (_gate)
        {
            var limit = behaviour.ImagesPerMinute;
            if (_images.Used(limit, time) + edit.N > limit)
            {
                var wait = TimeSpan.FromMinutes((_images.Used(limit, time) + edit.N - limit) / limit);
                throw new OpenAiException(429,
                    $"Rate limit reached for {edit.Model.Name} (for limit gpt-image) in organization org-simulated on input-images per min: Limit {limit}, Used {Math.Ceiling(_images.Used(limit, time))}, Requested {edit.N}. Please try again in {Spell(wait)}. Visit https://platform.openai.com/account/rate-limits to learn more.",
                    "input-images", code: "rate_limit_exceeded")
                { RetryAfter = wait };
            }
            _images.Take(edit.N, limit, time);
            _requests.Take(1, RequestsPerMinute, time);
            _tokens.Take(expectedTokens, TokensPerMinute, time);
        }
    }

    public void WriteHeaders(IHeaderDictionary headers)
    {
        lock (_gate)
        {
            Write("requests", _requests, RequestsPerMinute);
            Write("tokens", _tokens, TokensPerMinute);
            Write("images", _images, behaviour.ImagesPerMinute);
        }

        void Write(string name, Bucket bucket, int limit)
        {
            var used = bucket.Used(limit, time);
            headers[$"x-ratelimit-limit-{name}"] = limit.ToString();
            headers[$"x-ratelimit-remaining-{name}"] = Math.Max(0, (int)(limit - used)).ToString();
            headers[$"x-ratelimit-reset-{name}"] = Spell(TimeSpan.FromMinutes(used / limit));
        }
    }

    /// <summary>A duration as OpenAI writes it: <c>12ms</c>, <c>7.66s</c>, <c>6m0s</c>.</summary>
    private static string Spell(TimeSpan wait) => wait switch
    {
        { TotalSeconds: < 1 } => $"{Math.Ceiling(wait.TotalMilliseconds)}ms",
        { TotalMinutes: < 1 } => $"{Math.Round(wait.TotalSeconds, 3)}s",
        _ => $"{(int)wait.TotalMinutes}m{wait.Seconds}s",
    };

    private sealed class Bucket(long start)
    {
        private double _used;
        private long _at = start;

        public double Used(int limitPerMinute, TimeProvider time)
        {
            var now = time.GetTimestamp();
            _used = Math.Max(0, _used - (time.GetElapsedTime(_at, now).TotalMinutes * limitPerMinute));
            _at = now;
            return _used;
        }

        public void Take(int amount, int limitPerMinute, TimeProvider time) => _used = Used(limitPerMinute, time) + amount;
    }
}
