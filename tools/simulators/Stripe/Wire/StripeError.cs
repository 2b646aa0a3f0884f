using System.Text.Json.Nodes;
using HomeStage.Simulators.Faults;

namespace HomeStage.Simulators.Stripe.Wire;

/// <summary>An error as Stripe answers it: <c>{"error":{"type","code","message","param","doc_url","request_log_url"}}</c>.</summary>
internal sealed class StripeException(int status, string message, string? param = null, string? code = null, string type = "invalid_request_error")
    : Exception(message)
{
    public int Status { get; } = status;

    public string? Param { get; } = param;

    public string? Code { get; } = code;

    public string Type { get; } = type;

    /// <summary>
    /// Whether Stripe saves the error under the request's idempotency key, as it saves an answer: unless it came before the endpoint began, from
    /// the look at who asks, how often, with which parameters and what else is under way.
    /// </summary>
    public bool Saved => Status is not (StatusCodes.Status401Unauthorized or StatusCodes.Status429TooManyRequests) && Type != "idempotency_error"
        && Code is not ("lock_timeout" or "idempotency_key_in_use") && (Param is null || Code == "resource_missing");

    public static StripeException Invalid(string message, string? param = null, string? code = null) => new(400, message, param, code);

    public static StripeException Missing(string param) => Invalid($"Missing required param: {param}.", param, "parameter_missing");

    public static StripeException NoSuch(string kind, string id, string param = "id") => new(404, $"No such {kind}: '{id}'", param, "resource_missing");
}

internal static class StripeErrors
{
    public static async Task Write(HttpContext context, StripeException error)
    {
        var body = new JsonObject();
        if (error.Code is not null)
        {
            body["code"] = error.Code;
            body["doc_url"] = $"https://stripe.com/docs/error-codes/{error.Code.Replace('_', '-')}";
        }
        body["message"] = error.Message;
        if (error.Param is not null)
            body["param"] = error.Param;
        body["request_log_url"] = $"https://dashboard.stripe.com/test/logs/{context.Response.Headers["Request-Id"]}";
        body["type"] = error.Type;
        var answer = new JsonObject { ["error"] = body };
        await StripeApi.SaveAsync(context, error, answer);
        await WriteJson(context, error.Status, answer);
    }

    public static async Task WriteJson(HttpContext context, int status, JsonNode body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToWire(), context.RequestAborted);
    }

    /// <summary>The error that a queued fault asks for, filled up with what Stripe usually says at that status.</summary>
    public static Task WriteFault(HttpContext context, Fault fault)
    {
        if (fault.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = Math.Ceiling(seconds).ToString();
        var (message, code, type) = fault.Status switch
        {
            401 => ("Invalid API Key provided: sk_test_********", null, "invalid_request_error"),
            402 => ("Your card was declined.", "card_declined", "card_error"),
            409 => ("This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.", "lock_timeout", "invalid_request_error"),
            429 => ("Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.", "rate_limit", "invalid_request_error"),
            >= 500 => ("Sorry, there was an error on our side. Please try again.", null, "api_error"),
            _ => ("Your request was refused.", (string?)null, "invalid_request_error"),
        };
        return Write(context, new StripeException(fault.Status, fault.Message ?? message, fault.Param, fault.Code ?? code, fault.Type ?? type));
    }
}
