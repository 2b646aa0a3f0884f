using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using HomeStage.Simulators.Faults;
using HomeStage.Simulators.Stripe.Checkout;
using HomeStage.Simulators.Stripe.Payments;
using HomeStage.Simulators.Stripe.Webhooks;
using HomeStage.Simulators.Stripe.Wire;

namespace HomeStage.Simulators.Stripe;

/// <summary>What to open a dispute on (session, payment intent or charge), and how.</summary>
internal sealed record DisputeOrder(string Of, long? Amount = null, string Reason = "fraudulent", string Status = "needs_response");

/// <summary>A refund from the dashboard; <c>status</c> succeeded, pending or requires_action.</summary>
internal sealed record RefundOrder(string Of, long? Amount = null, string? Reason = null, string Status = "succeeded");

internal sealed record WarningOrder(string Of, string FraudType = "made_with_stolen_card");

/// <summary>What at the real Stripe customers, banks, time and the dashboard do.</summary>
internal static class StripeControl
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectRequiredConstructorParameters = true,
    };

    public static void MapStripeControl(this IEndpointRouteBuilder app)
    {
        var control = app.MapGroup("/control").AddEndpointFilter(AnswerRefusals);
        control.MapPost("/checkout/{id}/{action}", (string id, string action, StripeState state) => Act(state, id, "checkout.session", change =>
        {
            switch (action)
            {
                case "pay": Payment.Pay(id, change); break;
                case "pay-later": Payment.PayLater(id, change); break;
                case "decline": Payment.Decline(id, change); break;
                case "succeed": Payment.Arrive(id, success: true, change); break;
                case "fail": Payment.Arrive(id, success: false, change); break;
                case "expire": Sessions.Expire(RequireOpen(id, change), change); break;
                default: throw StripeException.Invalid("The action is pay, pay-later, decline, succeed, fail or expire.");
            }
            return change.Find(id)!;
        }));
        control.MapPost("/refunds", (HttpRequest request, StripeState state) => Order<RefundOrder>(request, state, (change, order) =>
            Refunds.Create(change, order.Of, order.Amount, order.Reason, [], OneOf(order.Status, "succeeded", "pending", "requires_action"))));
        control.MapPost("/refunds/{id}/{status}", (string id, string status, StripeState state) => Act(state, id, "refund", change =>
            Refunds.Settle(change, id, OneOf(status, "succeeded", "failed", "pending", "requires_action", "canceled"))));
        control.MapPost("/disputes", (HttpRequest request, StripeState state) => Order<DisputeOrder>(request, state, (change, order) =>
            Disputes.Open(change, Charge(order.Of, change), order.Amount, order.Reason, OneOf(order.Status, "needs_response", "warning_needs_response"))));
        control.MapPost("/disputes/{id}/{action}", (string id, string action, StripeState state) => Act(state, id, "dispute", change => action switch
        {
            "submit" => Disputes.Submit(change, change.Edit(id)),
            "escalate" => Disputes.Escalate(change, id),
            _ => Disputes.Close(change, id, OneOf(action, "won", "lost", "warning_closed", "prevented")),
        }));
        control.MapPost("/early-fraud-warnings", (HttpRequest request, StripeState state) => Order<WarningOrder>(request, state, (change, order) =>
            EarlyFraudWarnings.Raise(change, Charge(order.Of, change), order.FraudType)));

        control.MapGet("/webhooks", (DeliveryLog log) => log.Show());
        control.MapPost("/webhooks/{id}/resend", (string id, StripeState state, WebhookSender sender, IHostApplicationLifetime life) =>
        {
            if (state.Read(change => change.Find(id, "event")) is not { } happened)
                return ControlAnswers.NotFound($"There is no event {id}.");
            sender.Resend(happened, life.ApplicationStopping);
            return Results.Accepted();
        });
        control.MapPost("/webhooks/send", async (HttpRequest request, StripeSettings settings, WebhookSender sender, CancellationToken cancel) =>
        {
            if (settings.WebhookUrl is null)
                return ControlAnswers.BadRequest("The simulator was started without --webhook-url.");
            using var reader = new StreamReader(request.Body);
            return Results.Json(new { status = await sender.SendRaw(await reader.ReadToEndAsync(cancel), cancel) });
        });
    }

    private static IResult Act(StripeState state, string id, string kind, Func<StripeChange, JsonObject> act)
    {
        var result = state.Change(EventOrigin.None, change => change.Find(id, kind) is null ? null : act(change).Copy());
        return result is null ? ControlAnswers.NotFound($"There is no {kind} {id}.") : Results.Content(result.ToWire(), "application/json");
    }

    private static async Task<IResult> Order<T>(HttpRequest request, StripeState state, Func<StripeChange, T, JsonObject> carryOut)
    {
        var order = await JsonSerializer.DeserializeAsync<T>(request.Body, Strict, request.HttpContext.RequestAborted) ?? throw new JsonException("Send a JSON object.");
        return Results.Content(state.Change(EventOrigin.None, change => carryOut(change, order).Copy()).ToWire(), "application/json");
    }

    private static string Charge(string of, StripeChange change) =>
        PaymentEndpoints.ChargeOf(of, change) ?? throw StripeException.Invalid($"{of} is no session, payment intent or charge that has been paid.");

    private static string RequireOpen(string id, StripeChange change) =>
        change.Find(id)!.Text("status") == "open" ? id : throw StripeException.Invalid($"The session {id} is not open.");

    private static string OneOf(string value, params ReadOnlySpan<string> allowed) =>
        allowed.Contains(value) ? value : throw StripeException.Invalid($"'{value}' must be one of {string.Join(", ", allowed.ToArray())}.");

    private static async ValueTask<object?> AnswerRefusals(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception refused) when (refused is StripeException or JsonException)
        {
            return ControlAnswers.BadRequest(refused.Message);
        }
    }
}
