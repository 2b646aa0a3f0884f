using System.Security.Cryptography;
using System.Text;
using HomeStage.Simulators.Faults;

namespace HomeStage.Simulators.OpenAI;

/// <summary>OpenAI's image edits on loopback, and chat completions about pictures.</summary>
internal static class OpenAiSimulator
{
    public static WebApplication Build(OpenAiSettings settings)
    {
        var builder = SimulatorHost.CreateBuilder(settings.Url, OpenAiErrors.WriteFault);
        builder.Services.AddSingleton(settings).AddSingleton<OpenAiBehaviour>().AddSingleton<RateLimits>().AddSingleton<CallLog>().AddSingleton<CompletionLog>();
        var app = builder.Build();
        app.UseRouting();
        app.Use(Record);
        app.Use(AnswerErrors);
        app.UseMiddleware<FaultMiddleware>();
        app.Use(Authenticate);
        app.UseEndpoints(_ => { });
        app.MapControl();
        app.MapOpenAiControl();
        app.MapImageEdits();
        app.MapChatCompletions();
        app.MapFallback((HttpContext context) => OpenAiErrors.Write(context, new OpenAiException(
            404, $"Invalid URL ({context.Request.Method} {context.Request.Path})", "invalid_request_error")));
        return app;
    }

    /// <summary>Gives every API request its id and the headers that all answers carry, and counts it.</summary>
    private static async Task Record(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
        {
            await next(context);
            return;
        }
        var services = context.RequestServices;
        var requestId = $"req_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))}";
        var headers = context.Response.Headers;
        headers["x-request-id"] = requestId;
        headers["openai-version"] = "2020-10-01";
        headers["openai-organization"] = "org-simulated";
        headers["openai-processing-ms"] = "1";
        services.GetRequiredService<RateLimits>().WriteHeaders(headers);
        if (!context.Request.Path.StartsWithSegments("/v1/images", StringComparison.Ordinal))
        {
            await next(context);
            return;
        }
        var log = services.GetRequiredService<CallLog>();
        var call = log.Begin(context, requestId);
        context.Features.Set(call);
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Abort();
        }
        finally
        {
            var fault = context.Features.Get<Fault>();
            call.Fault = fault?.Kind.ToString();
            log.End(call, fault?.Cuts == true || context.RequestAborted.IsCancellationRequested ? null : context.Response.StatusCode);
        }
    }

    private static async Task AnswerErrors(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (OpenAiException error) when (!context.Response.HasStarted)
        {
            await OpenAiErrors.Write(context, error);
        }
        catch (BadHttpRequestException malformed) when (!context.Response.HasStarted)
        {
            await OpenAiErrors.Write(context, OpenAiException.Invalid($"Could not parse multipart form: {malformed.Message}", null, null));
        }
    }

    private static Task Authenticate(HttpContext context, RequestDelegate next)
    {
        if (!context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal))
            return next(context);
        var expected = context.RequestServices.GetRequiredService<OpenAiSettings>().ApiKey;
        var header = context.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || header.Length == 7)
        {
            throw new OpenAiException(401,
                "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY). You can obtain an API key from https://platform.openai.com/account/api-keys.",
                "invalid_request_error");
        }
        var key = header[7..].Trim();
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(expected)))
        {
            throw new OpenAiException(401,
                $"Incorrect API key provided: {Mask(key)}. You can find your API key at https://platform.openai.com/account/api-keys.",
                "invalid_request_error", code: "invalid_api_key");
        }
        return next(context);
    }

    private static string Mask(string key) => key.Length < 12 ? "****" : $"{key[..7]}{new string('*', key.Length - 11)}{key[^4..]}";
}
