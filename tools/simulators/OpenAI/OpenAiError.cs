using HomeStage.Simulators.Faults;

namespace HomeStage.Simulators.OpenAI;

/// <summary>An error as OpenAI answers it: <c>{"error":{"message","type","param","code"}}</c>.</summary>
internal sealed class OpenAiException(int status, string message, string type, string? param = null, string? code = null) : Exception(message)
{
    public int Status { get; } = status;

    public string Type { get; } = type;

    public string? Param { get; } = param;

    public string? Code { get; } = code;

    public TimeSpan? RetryAfter { get; init; }

    public static OpenAiException Invalid(string message, string? param, string? code) =>
        new(StatusCodes.Status400BadRequest, message, "invalid_request_error", param, code);

    public static OpenAiException Unreadable(int image) =>
        new(StatusCodes.Status400BadRequest, $"Invalid image file or mode for image {image}, please check your image file.",
            "image_generation_user_error", code: "invalid_image_file");
}

internal static class OpenAiErrors
{
    public static async Task Write(HttpContext context, OpenAiException error)
    {
        var response = context.Response;
        response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString();
            response.Headers["retry-after-ms"] = Math.Ceiling(wait.TotalMilliseconds).ToString();
        }
        object? moderation = error.Code == "moderation_blocked" ? new { moderation_stage = "input", categories = new[] { "other" } } : null;
        object body = moderation is null
            ? new { message = error.Message, type = error.Type, param = error.Param, code = error.Code }
            : new { message = error.Message, type = error.Type, param = error.Param, code = error.Code, moderation_details = moderation };
        await response.WriteAsJsonAsync(new { error = body }, context.RequestAborted);
    }

    /// <summary>The error that a queued fault asks for, filled up with what OpenAI usually says at that status.</summary>
    public static Task WriteFault(HttpContext context, Fault fault)
    {
        var usual = fault.Kind == FaultKind.Moderation ? Moderation(context) : Usual(fault.Status, fault.Code);
        return Write(context, new OpenAiException(
            usual.Status, fault.Message ?? usual.Message, fault.Type ?? usual.Type, fault.Param ?? usual.Param, fault.Code ?? usual.Code)
        {
            RetryAfter = fault.RetryAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        });
    }

    private static OpenAiException Moderation(HttpContext context) => new(
        StatusCodes.Status400BadRequest,
        "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com and include " +
        $"the request ID {context.Response.Headers["x-request-id"]}. safety_violations=[other].",
        "image_generation_user_error", code: "moderation_blocked");

    private static OpenAiException Usual(int status, string? code) => (status, code) switch
    {
        (400, "moderation_blocked") => new(400, "Your request was rejected by the safety system.", "image_generation_user_error"),
        (400, "billing_hard_limit_reached") => new(400, "Billing hard limit has been reached.", "billing_limit_user_error"),
        (401, _) => new(401, "Incorrect API key provided: sk-****. You can find your API key at https://platform.openai.com/account/api-keys.", "invalid_request_error", code: "invalid_api_key"),
        (403, _) => new(403, "Your organization must be verified to use the model.", "invalid_request_error"),
        (404, _) => new(404, "The model does not exist or you do not have access to it.", "invalid_request_error", "model", "model_not_found"),
        (429, "insufficient_quota") => new(429, "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.", "insufficient_quota"),
        (429, _) => new(429, "Rate limit reached for the model (for limit gpt-image) in organization org-simulated on input-images per min: Limit 5, Used 5, Requested 1. Please try again in 12s. Visit https://platform.openai.com/account/rate-limits to learn more.", "input-images", code: "rate_limit_exceeded"),
        (503, _) => new(503, "The server is currently overloaded with other requests. Sorry about that! You can retry your request.", "server_error"),
        ( >= 500, _) => new(status, "The server had an error while processing your request. Sorry about that!", "server_error", code: "server_error"),
        _ => new(status, "Your request was refused.", "invalid_request_error"),
    };
}
