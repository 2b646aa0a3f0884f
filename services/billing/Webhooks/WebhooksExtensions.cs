using System.Text.Json.Nodes;
using HomeStage.Billing.Payments;
using HomeStage.Billing.Stripe;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace HomeStage.Billing.Webhooks;

/// <summary>What Stripe tells us.</summary>
internal static partial class WebhooksExtensions
{
    private const int LargestBody = 1024 * 1024;

    private static readonly ProblemCode SignatureInvalid = new("signature_invalid", StatusCodes.Status400BadRequest, "The signature is not valid");
    private static readonly ProblemCode EventUnreadable = new(BillingMetrics.EventUnreadable, StatusCodes.Status400BadRequest, "The body is not an event");

    /// <summary>Maps <c>POST /webhooks/stripe</c>, and applies stored events that wait; reads <c>RETENTION_STRIPE_PAYLOAD_DAYS</c>.</summary>
    internal static void AddWebhooks(this ServiceBuilder service)
    {
        var days = service.Settings.WholeNumber("RETENTION_STRIPE_PAYLOAD_DAYS", 90, 30, 3650, "how long the payloads of Stripe's events are kept once they are settled (days)");
        service.Services.AddSingleton(new PayloadRetentionSettings(TimeSpan.FromDays(days)));
        service.Services.AddHostedService<PayloadRetention>();
        service.Services.AddSingleton<PaymentLookup>();
        service.Services.AddSingleton<EventApplication>();
        service.Services.AddSingleton<EventIntake>();
        service.Services.AddSingleton<WaitingEvents>();
        service.Services.AddHostedService(provider => provider.GetRequiredService<WaitingEvents>());
        service.Map(app => app.MapPost("/webhooks/stripe", ReceiveAsync)
            .RequireCaller("gateway")
            .WithMetadata(new RequestSizeLimitAttribute(LargestBody))
            .Describe(
                "Webhooks", "receiveStripeEvent", "For Stripe alone",
                "Takes what Stripe delivers, signed with the endpoint's secret. An event is stored once, however often it comes; a type that we do not know is answered 200, too.")
            .TakesEvent()
            .Refuses(SignatureInvalid, EventUnreadable)
            .AddEndpointFilter(CountAsync));
        service.Services.AddHostedService<WaitingEventsSampler>();
    }

    /// <summary>Counts failures in a row, of whatever kind.</summary>
    private static async ValueTask<object?> CountAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var taken = false;
        try
        {
            var answer = await next(context);
            taken = answer is Results<Ok, ProblemHttpResult> { Result: Ok };
            return answer;
        }
        finally
        {
            context.HttpContext.RequestServices.GetRequiredService<BillingMetrics>().WebhookAnswered(taken);
        }
    }

    private static RouteHandlerBuilder TakesEvent(this RouteHandlerBuilder route) => route.Says(operation =>
    {
        operation["security"] = new JsonArray(new JsonObject { ["stripeSignature"] = new JsonArray() });
        operation["requestBody"] = new JsonObject
        {
            ["required"] = true,
            ["description"] = "One of Stripe's events, as Stripe describes them.",
            ["content"] = new JsonObject { ["application/json"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "object" } } },
        };
    });

    private static async Task<Results<Ok, ProblemHttpResult>> ReceiveAsync(
        Caller caller,
        HttpRequest request,
        StripeSettings stripe,
        EventIntake intake,
        BillingMetrics metrics,
        TimeProvider time,
        ILogger<EventIntake> logger,
        CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        var payload = body.ToArray();
        var signature = request.Headers["Stripe-Signature"].ToString();
        if (WebhookSignature.Refuse(payload, signature, stripe.WebhookSecrets, time.GetUtcNow()) is { } reason)
        {
            metrics.WebhookRefused(reason);
            Log.SignatureInvalid(logger, reason, caller.AddressHash, request.Headers.UserAgent.ToString());
            return Problem.Result(SignatureInvalid, "Sign the exact bytes of the body with the endpoint's secret, within 5 minutes of now.");
        }

        if (StripeEvent.Read(payload) is not { } happened)
        {
            // Stripe signed it and we cannot say what it is, so there is no id to store it by; a refusal makes Stripe keep and repeat it.
            metrics.WebhookRefused(BillingMetrics.EventUnreadable);
            Log.Unreadable(logger, payload.Length);
            return Problem.Result(EventUnreadable, "Send a JSON object with the id and the type of an event.");
        }

        if (!await intake.ReceiveAsync(happened, payload, EventSource.Webhook, cancellationToken))
            metrics.EventReceived(happened.Type, "repeated");
        return TypedResults.Ok();
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A webhook was refused: {Reason} (ip {Ip}, user agent {UserAgent})", EventName = "webhook_signature_invalid")]
        public static partial void SignatureInvalid(ILogger logger, string reason, string? ip, string userAgent);

        [LoggerMessage(2, LogLevel.Error, "A signed webhook of {Length} bytes is not an event", EventName = "webhook_unreadable")]
        public static partial void Unreadable(ILogger logger, int length);
    }
}
