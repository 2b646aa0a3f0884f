using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace HomeStage.Billing.Stripe;

/// <summary>
/// Speaks HTTP with Stripe's REST API. A try may take 10 s, all of them 25 s; lock conflicts, 429, 5xx and network trouble are tried again, at most
/// twice and with the same idempotency key, unless Stripe says that it makes no sense.
/// </summary>
internal sealed partial class StripeTransport(HttpClient http, BillingMetrics metrics, TimeProvider time, ILogger<StripeTransport> logger)
{
    private readonly ResiliencePipeline<HttpResponseMessage> _pipeline = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = time }
        .AddTimeout(TimeSpan.FromSeconds(25))
        .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            MaxRetryAttempts = 2,
            Delay = TimeSpan.FromMilliseconds(300),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldHandle = async attempt => attempt.Outcome switch
            {
                { Exception: HttpRequestException or TimeoutRejectedException } => true,
                { Result: { } response } => await IsWorthRepeatingAsync(response),
                _ => false,
            },
            OnRetry = attempt =>
            {
                attempt.Outcome.Result?.Dispose();
                return default;
            },
        })
        .AddTimeout(TimeSpan.FromSeconds(10))
        .Build();

    /// <summary>Posts a form.</summary>
    /// <exception cref="StripeException">Stripe refused, or did not answer in time.</exception>
    internal Task<JsonElement> PostAsync(string path, JsonObject parameters, string idempotencyKey, CancellationToken cancellationToken)
    {
        var form = StripeForm.Flatten(parameters).ToArray();
        return SendAsync(
            path,
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(form) };
                request.Headers.Add("Idempotency-Key", idempotencyKey);
                return request;
            },
            cancellationToken);
    }

    /// <summary>Reads something.</summary>
    /// <exception cref="StripeException">Stripe refused, or did not answer in time.</exception>
    internal Task<JsonElement> GetAsync(string path, JsonObject parameters, CancellationToken cancellationToken)
    {
        var query = string.Join('&', StripeForm.Flatten(parameters).Select(field => $"{Uri.EscapeDataString(field.Key)}={Uri.EscapeDataString(field.Value)}"));
        var address = query.Length == 0 ? path : $"{path}?{query}";
        return SendAsync(path, () => new HttpRequestMessage(HttpMethod.Get, address), cancellationToken);
    }

    private async Task<JsonElement> SendAsync(string path, Func<HttpRequestMessage> compose, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var outcome = "failed";
        try
        {
            using var response = await _pipeline.ExecuteAsync(
                async token =>
                {
                    using var request = compose();
                    // The body is read within the limit of the try.
                    return await http.SendAsync(request, HttpCompletionOption.ResponseContentRead, token);
                },
                cancellationToken);
            outcome = ((int)response.StatusCode).ToString();
            return await ReadAsync(path, response, cancellationToken);
        }
        catch (Exception error) when (error is HttpRequestException or TimeoutRejectedException)
        {
            outcome = error is TimeoutRejectedException ? "timeout" : "unreachable";
            Log.Unreachable(logger, path, outcome);
            throw new StripeException($"Stripe: {outcome}.", retryable: true, inner: error);
        }
        finally
        {
            metrics.StripeCalled(time.GetElapsedTime(started), outcome);
        }
    }

    private async Task<JsonElement> ReadAsync(string path, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var json = await JsonOfAsync(response, cancellationToken);
        if (response.IsSuccessStatusCode && json is { } answer)
            return answer;
        var error = json?.Member("error");
        var (type, code) = (error?.Text("type") ?? "unreadable_answer", error?.Text("code") ?? "");
        // Stripe saves what it answers once it has begun with a request; these say that it has not. Of any other it cannot be told.
        var saved = !response.IsSuccessStatusCode
            && response.StatusCode != HttpStatusCode.TooManyRequests && code is not ("lock_timeout" or "idempotency_key_in_use");
        if (response.StatusCode == HttpStatusCode.NotFound && code == "resource_missing")
            throw new StripeException("Stripe does not know it.", retryable: false, missing: true, saved: saved);
        Log.Refused(logger, path, (int)response.StatusCode, type, code, error?.Text("param") ?? "", RequestIdOf(response));
        throw new StripeException(
            $"Stripe answered {(int)response.StatusCode} {type} {code}",
            retryable: response.IsSuccessStatusCode || await IsWorthRepeatingAsync(response),
            saved: saved);
    }

    /// <summary>Stripe's own word outweighs what the status says.</summary>
    private static async ValueTask<bool> IsWorthRepeatingAsync(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
            return false;
        if (response.Headers.TryGetValues("Stripe-Should-Retry", out var said) && bool.TryParse(said.First(), out var should))
            return should;
        return response.StatusCode switch
        {
            HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => true,
            HttpStatusCode.Conflict => (await JsonOfAsync(response, CancellationToken.None))?.Member("error")?.Text("code")
                is null or "lock_timeout" or "idempotency_key_in_use",
            _ => false,
        };
    }

    private static async Task<JsonElement?> JsonOfAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string RequestIdOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Request-Id", out var values) ? values.First() : "";

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe did not answer {Path}: {Outcome}", EventName = "stripe_unreachable")]
        public static partial void Unreachable(ILogger logger, string path, string outcome);

        [LoggerMessage(2, LogLevel.Error, "Stripe refused {Path} with {Status} {Type} {Code} {Param} (request {RequestId})", EventName = "stripe_refused")]
        public static partial void Refused(ILogger logger, string path, int status, string type, string code, string param, string requestId);
    }
}
