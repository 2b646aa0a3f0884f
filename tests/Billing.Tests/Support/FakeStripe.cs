using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace HomeStage.Billing.Tests.Support;

/// <summary>
/// Stripe in place of the network: sessions are created, idempotent by key as at the real one, which saves errors too; all else is read
/// from <see cref="Account"/>. Answers fail and wait on order.
/// </summary>
internal sealed class FakeStripe : HttpMessageHandler
{
    private readonly ConcurrentDictionary<string, JsonObject> _sessionByKey = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<HttpResponseMessage>> _errorByKey = new(StringComparer.Ordinal);

    /// <summary>What there is to be read.</summary>
    public FakeStripeAccount Account { get; } = new();

    /// <summary>Every request, also those that were made to fail.</summary>
    public ConcurrentQueue<StripeCall> Calls { get; } = [];

    /// <summary>What the next requests get instead of an answer.</summary>
    public ConcurrentQueue<Func<HttpResponseMessage>> Failures { get; } = [];

    /// <summary>Changes sessions before they are answered.</summary>
    public Action<JsonObject> Adjust { get; set; } = _ => { };

    /// <summary>Awaited between the making of an answer and its sending: how a slow network makes an answer old.</summary>
    public Func<StripeCall, Task> OnTheWay { get; set; } = _ => Task.CompletedTask;

    public int SessionCount => _sessionByKey.Count;

    public void Reset()
    {
        _sessionByKey.Clear();
        _errorByKey.Clear();
        Calls.Clear();
        Failures.Clear();
        Adjust = _ => { };
        OnTheWay = _ => Task.CompletedTask;
    }

    public void FailNext(HttpStatusCode status, string code = "", string? shouldRetry = null, int times = 1)
    {
        for (var time = 0; time < times; time++)
        {
            Failures.Enqueue(() =>
            {
                var answer = Json(status, new JsonObject { ["error"] = new JsonObject { ["type"] = "api_error", ["code"] = code } });
                if (shouldRetry is not null)
                    answer.Headers.Add("Stripe-Should-Retry", shouldRetry);
                return answer;
            });
        }
    }

    public void CutNext() => Failures.Enqueue(() => throw new HttpRequestException("The connection was cut."));

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var text = request.Method == HttpMethod.Post ? await request.Content!.ReadAsStringAsync(cancellationToken) : request.RequestUri!.Query;
        var form = QueryHelpers.ParseQuery(text).ToDictionary(field => field.Key, field => field.Value.ToString(), StringComparer.Ordinal);
        var key = request.Headers.TryGetValues("Idempotency-Key", out var keys) ? keys.Single() : "";
        var call = new StripeCall(
            $"{request.Method} {request.RequestUri!.AbsolutePath}", key, request.Headers.GetValues("Stripe-Version").Single(), request.Headers.Authorization!.ToString(), form);
        Calls.Enqueue(call);
        if (_errorByKey.TryGetValue(key, out var saved))
            return saved();
        if (Failures.TryDequeue(out var fail))
        {
            var error = fail();
            if (key.Length > 0 && IsSaved(error.StatusCode))
                _errorByKey[key] = fail;
            return error;
        }

        var answer = Answer(request.Method, request.RequestUri.AbsolutePath, key, form);
        await OnTheWay(call).WaitAsync(cancellationToken);
        return answer is null
            ? Json(HttpStatusCode.NotFound, new JsonObject { ["error"] = new JsonObject { ["type"] = "invalid_request_error", ["code"] = "resource_missing" } })
            : Json(HttpStatusCode.OK, answer);
    }

    private JsonObject? Answer(HttpMethod method, string path, string key, Dictionary<string, string> form) => method == HttpMethod.Post
        ? _sessionByKey.GetOrAdd(key, _ => Account.Keep(SessionOf(form)))
        : Account.Read(path, form);

    private JsonObject SessionOf(Dictionary<string, string> form)
    {
        var session = Fixture.Read("checkout.session");
        session["id"] = "cs_test_" + Guid.NewGuid().ToString("N");
        session["url"] = $"https://checkout.stripe.test/c/pay/{session["id"]}";
        session["amount_total"] = long.Parse(form.GetValueOrDefault("line_items[0][price_data][unit_amount]", "2500"));
        session["currency"] = form.GetValueOrDefault("line_items[0][price_data][currency]", "usd");
        session["client_reference_id"] = form["client_reference_id"];
        session["metadata"] = new JsonObject { ["order_id"] = form["metadata[order_id]"] };
        session["created"] = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        session["status"] = "open";
        session["expires_at"] = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds();
        Adjust(session);
        return session;
    }

    /// <summary>Who asks, how often and what else is under way is looked at before the request is begun, and saved nowhere.</summary>
    private static bool IsSaved(HttpStatusCode status) =>
        status is not (HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict);

    private static HttpResponseMessage Json(HttpStatusCode status, JsonObject body) =>
        new(status) { Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json") };
}

internal sealed record StripeCall(string Route, string IdempotencyKey, string Version, string Authorization, IReadOnlyDictionary<string, string> Form);
