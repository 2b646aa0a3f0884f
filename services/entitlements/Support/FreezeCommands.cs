using System.Diagnostics;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Body of a command that needs nothing but a reason.</summary>
/// <param name="Reason">For the audit alone; customers do not see it.</param>
internal sealed record ReasonCommand(string Reason);

/// <summary>Answer to <c>POST /support/accounts/{id}/freeze</c> and <c>…/thaw</c>.</summary>
internal sealed record FreezeState(Guid AccountId, bool Frozen);

/// <summary>Freezes an account with all its grants, and those that come while it is; and thaws it.</summary>
internal static class FreezeCommands
{
    internal static void MapFreezeCommands(this IEndpointRouteBuilder act)
    {
        act.MapPost("/accounts/{id:guid}/freeze", (Guid id, ReasonCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken) =>
            SetAsync(id, frozen: true, command, caller, desk, cancellationToken));
        act.MapPost("/accounts/{id:guid}/thaw", (Guid id, ReasonCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken) =>
            SetAsync(id, frozen: false, command, caller, desk, cancellationToken));
    }

    private static Task<FreezeState> SetAsync(
        Guid id, bool frozen, ReasonCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken) =>
        desk.ActAsync(
            caller.RequireKey(),
            new SupportCommand(frozen ? "freeze" : "thaw", id.ToString(), command.Reason, new { }),
            async (db, now) =>
            {
                var known = await db.Database.SqlQuery<bool>($"select freeze_account({id}, {frozen}, {caller.Name}, {now}, {Activity.Current?.Id}::text)")
                    .ToListAsync(cancellationToken);
                return known[0] ? new FreezeState(id, frozen) : throw new ProblemException(Problem.Result(ProblemCode.NotFound, "There is no such account."));
            },
            cancellationToken);
}
