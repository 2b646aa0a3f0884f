using HomeStage.Gateway.Proxy;
using HomeStage.Gateway.Telemetry;
using HomeStage.Hosting.Problems;
using Microsoft.Net.Http.Headers;

namespace HomeStage.Gateway.Webhooks;

/// <summary>
/// The way in for Stripe, which no limit by address or caller touches. Instead: a signature that could be right, a place among 64, and
/// the whole body, at most 1 MiB, within 5 s. Only then is anything forwarded, byte by byte as it came.
/// </summary>
internal sealed class WebhookDoor(RequestDelegate next, WebhookSlots slots, SecurityEvents events, TimeProvider time)
{
    private static readonly ProblemCode SignatureInvalid = new("signature_invalid", StatusCodes.Status400BadRequest, "The signature is not valid");
    private static readonly ProblemCode TooSlow = new("request_timeout", StatusCodes.Status408RequestTimeout, "The body did not come in time", Retryable: true);

    /// <summary>How the door refuses, beside 503 when it is full.</summary>
    internal static readonly ProblemCode[] Refusals = [SignatureInvalid, TooSlow];

    private static readonly TimeSpan BodyLimit = TimeSpan.FromSeconds(5);

    public Task InvokeAsync(HttpContext context) => context.GetReverseProxyFeature().Route.Config.IsStripe() ? ReceiveAsync(context) : next(context);

    private async Task ReceiveAsync(HttpContext context)
    {
        if (SignatureShape.Refuse(context.Request.Headers["Stripe-Signature"].ToString(), time.GetUtcNow()) is { } reason)
        {
            events.WebhookRefused(context, reason);
            await Problem.Result(SignatureInvalid, "Send Stripe's own signature, made within 5 minutes of now.").ExecuteAsync(context);
            return;
        }

        using var slot = slots.TryTake();
        if (slot is null)
        {
            await FullAsync(context);
            return;
        }

        if (await ReadAsync(context, slot))
            await next(context);
    }

    /// <summary>Reads the body and puts it back whole; false if the request was answered instead.</summary>
    private async Task<bool> ReadAsync(HttpContext context, WebhookSlots.Slot slot)
    {
        // Bytes on a wire take real time, whatever the clock of the application says.
        using var late = new CancellationTokenSource(BodyLimit);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, slot.Evicted, context.RequestAborted);
        var request = context.Request;
        var body = new MemoryStream((int)(request.ContentLength ?? 0));
        try
        {
            await request.Body.CopyToAsync(body, stop.Token);
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            events.BodyTooLarge(context);
            await BodyLimits.TooLarge(BodyLimits.LimitOf(context.GetReverseProxyFeature().Route.Config)).ExecuteAsync(context);
            return false;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            events.WebhookRefused(context, "body_late");
            context.Response.Headers.Connection = "close";
            await Problem.Result(TooSlow, "Send the body at once.").ExecuteAsync(context);
            return false;
        }
        catch (OperationCanceledException) when (slot.Evicted.IsCancellationRequested)
        {
            await FullAsync(context);
            return false;
        }

        if (!slot.Complete())
        {
            await FullAsync(context);
            return false;
        }

        body.Position = 0;
        request.Body = body;
        request.Headers.Remove(HeaderNames.TransferEncoding);
        request.ContentLength = body.Length;
        return true;
    }

    private async Task FullAsync(HttpContext context)
    {
        events.WebhookRefused(context, "full");
        context.Response.Headers.RetryAfter = "1";
        await Problem.Result(ProblemCode.Unavailable, "Nothing was done. Try again in a few seconds.").ExecuteAsync(context);
    }
}
