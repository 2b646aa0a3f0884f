using HomeStage.Contracts;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>An order explained: billing's steps and the ledger's in one order of time, and what billing can be asked to do about it.</summary>
internal static class SupportOrders
{
    internal static void MapOrders(this IEndpointRouteBuilder read) => read.MapGet("/orders/{id:guid}", ExplainAsync);

    internal static void MapOrderCommands(this IEndpointRouteBuilder act)
    {
        act.MapPost("/orders/{id:guid}/check", CheckAsync);
        act.MapPost("/reconcile", ReconcileAsync);
    }

    /// <summary>
    /// Billing's steps with ours by time; billing's come first where the time is the same, because ours follow from them. Where billing
    /// has no advice and the payment never became a grant, we have.
    /// </summary>
    internal static OrderExplanation Merge(OrderExplanation billing, IReadOnlyList<OrderStep> ours, bool granted) => billing with
    {
        Steps = [.. billing.Steps.Concat(ours).OrderBy(step => step.At)],
        Advice = billing.Advice ?? (billing.Order.PaidAt is null || granted
            ? null
            : "The order is paid and no credits were granted. See whether its message waits among the dead letters with "
                + "'./homestage support dead-letters'; if not, it was lost with RabbitMQ's data, and docs/operations/restore.md says how to say it again."),
    };

    private static async Task<OrderExplanation> ExplainAsync(
        Guid id, SupportCaller caller, SupportDesk desk, BillingClient billing, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        await desk.NoteAsync(caller, new SupportCommand("show_order", id.ToString(), "", new { }), cancellationToken);
        return await WithOurStepsAsync(await billing.ExplainAsync(id, cancellationToken), id, databases, cancellationToken);
    }

    private static async Task<OrderExplanation> CheckAsync(
        Guid id,
        ReasonCommand command,
        SupportCaller caller,
        SupportDesk desk,
        BillingClient billing,
        IDbContextFactory<EntitlementsDb> databases,
        CancellationToken cancellationToken)
    {
        SupportDesk.RequireReason(command.Reason);
        await desk.NoteAsync(caller, new SupportCommand("check_order", id.ToString(), command.Reason, new { }), cancellationToken);
        return await WithOurStepsAsync(await billing.CheckAsync(id, cancellationToken), id, databases, cancellationToken);
    }

    private static async Task<ReconciliationReport> ReconcileAsync(
        ReasonCommand command, SupportCaller caller, SupportDesk desk, BillingClient billing, CancellationToken cancellationToken)
    {
        SupportDesk.RequireReason(command.Reason);
        await desk.NoteAsync(caller, new SupportCommand("reconcile", "stripe", command.Reason, new { }), cancellationToken);
        return await billing.ReconcileAsync(cancellationToken);
    }

    private static async Task<OrderExplanation> WithOurStepsAsync(
        OrderExplanation? explanation, Guid order, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        if (explanation is null)
            throw new ProblemException(Problem.Result(ProblemCode.NotFound, "There is no such order."));
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var entries = await (
                from grant in db.Grants
                where grant.OrderId == order
                join entry in db.LedgerEntries on grant.Id equals entry.GrantId
                orderby entry.Number
                select entry)
            .AsNoTracking().ToListAsync(cancellationToken);
        var adjustment = await db.PaymentAdjustments.AsNoTracking().SingleOrDefaultAsync(said => said.OrderId == order, cancellationToken);
        List<OrderStep> ours = [.. entries.Select(entry => new OrderStep
        {
            At = entry.At,
            What = entry.Kind,
            Detail = $"{CreditWords.Describe(entry, explanation.Order.Plan)}; {CreditWords.Count(entry.BalanceAfter)} left. By {entry.Actor}"
                + (entry.JobId is { } job ? $", for job {job}." : "."),
            Reference = entry.Id.ToString(),
        })];
        if (adjustment is not null)
            ours.Insert(0, adjustment.AsStep());
        return Merge(explanation, ours, granted: entries.Exists(entry => entry.Kind == "grant"));
    }
}
