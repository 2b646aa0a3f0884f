using HomeStage.Billing.Reconciliation;
using HomeStage.Billing.Stripe;
using HomeStage.Billing.Webhooks;
using HomeStage.Contracts;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;

namespace HomeStage.Billing.Support;

/// <summary>Support's view of orders. Entitlements is the one door for support people; it checks who they are and keeps the audit.</summary>
internal static class SupportExtensions
{
    private static readonly ProblemCode StripeAway =
        new("stripe_unavailable", StatusCodes.Status503ServiceUnavailable, "Stripe cannot be asked right now", Retryable: true);

    /// <summary>Maps <c>/internal/support/…</c> for entitlements.</summary>
    internal static void AddSupport(this ServiceBuilder service)
    {
        service.Services.AddSingleton<OrderSearch>();
        service.Services.AddSingleton<SupportDesk>();
        service.Map(app =>
        {
            var support = app.MapGroup("/internal/support").RequireCaller("entitlements").AddEndpointFilter(AnswerStripeAway);
            support.MapGet("orders", FindAsync);
            support.MapGet("orders/{id:guid}/explanation", ExplainAsync);
            support.MapPost("orders/{id:guid}/check", CheckAsync);
            support.MapPost("reconcile", ReconcileAsync);
        });
    }

    private static async Task<Results<Ok<IEnumerable<SupportOrder>>, ProblemHttpResult>> FindAsync(
        [AsParameters] OrderQuery query, OrderSearch search, CancellationToken cancellationToken)
    {
        if (!query.IsOne)
            return Problem.Invalid("query", "Give exactly one of orderId, accountId, stripeId and email.");
        return TypedResults.Ok((await search.FindAsync(query, cancellationToken)).Select(OrderExplainer.Summary));
    }

    private static async Task<Results<Ok<OrderExplanation>, ProblemHttpResult>> ExplainAsync(Guid id, SupportDesk desk, CancellationToken cancellationToken) =>
        await desk.ExplainAsync(id, cancellationToken) is { } explanation ? TypedResults.Ok(explanation) : Problem.Result(ProblemCode.NotFound);

    private static async Task<Results<Ok<OrderExplanation>, ProblemHttpResult>> CheckAsync(Guid id, SupportDesk desk, CancellationToken cancellationToken)
    {
        await desk.CheckAsync(id, cancellationToken);
        return await ExplainAsync(id, desk, cancellationToken);
    }

    /// <summary>Also tries at once what waits: an event that Stripe's answer failed for, or whose order has come since.</summary>
    private static async Task<Ok<ReconciliationReport>> ReconcileAsync(Reconciler reconciler, WaitingEvents waiting, CancellationToken cancellationToken)
    {
        var report = await reconciler.RunAsync(cancellationToken);
        await waiting.HurryAsync(orderId: null, cancellationToken);
        await waiting.ApplyDueAsync(cancellationToken);
        return TypedResults.Ok(report);
    }

    private static async ValueTask<object?> AnswerStripeAway(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (StripeException)
        {
            return Problem.Result(StripeAway, "Nothing was changed that is not true. Try again when Stripe answers.");
        }
    }
}
