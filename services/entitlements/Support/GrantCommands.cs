using System.Diagnostics;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Body of <c>POST /support/accounts/{id}/grants</c>.</summary>
/// <param name="Credits">1 to 10,000.</param>
/// <param name="ValidForDays">1 to 3,650, from now.</param>
/// <param name="Reason">Stands on the customer's statement.</param>
internal sealed record GrantCommand(int Credits, int ValidForDays, string Reason);

/// <summary>Body of <c>POST /support/grants/{id}/extend</c> and <c>POST /support/accounts/{id}/extend</c>.</summary>
/// <param name="Days">1 to 3,650, from the end, or from now if that is over.</param>
/// <param name="Reason">Stands on the customer's statement.</param>
internal sealed record ExtendCommand(int Days, string Reason);

/// <summary>Body of <c>POST /support/grants/{id}/revoke</c>, <c>…/restore</c> and <c>…/adjust</c>.</summary>
/// <param name="Credits">How many: all that can be if left out. To adjust it is required, and negative to take away.</param>
/// <param name="Reason">Stands on the customer's statement.</param>
internal sealed record MoveCommand(int? Credits, string Reason);

/// <summary>Answer to extending an account: how many grants were extended.</summary>
internal sealed record Extended(Guid AccountId, int Grants);

/// <summary>What support does to grants; each answers the grant as it is afterwards.</summary>
internal static class GrantCommands
{
    private const int MostCredits = 10_000;
    private const int MostDays = 3_650;

    internal static void MapGrantCommands(this IEndpointRouteBuilder act)
    {
        act.MapPost("/accounts/{id:guid}/grants", GrantAsync);
        act.MapPost("/accounts/{id:guid}/extend", ExtendAccountAsync);
        act.MapPost("/grants/{id:guid}/extend", ExtendGrantAsync);
        foreach (var kind in (string[])["revoke", "restore", "adjust"])
        {
            act.MapPost($"/grants/{{id:guid}}/{kind}", (Guid id, MoveCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken) =>
                MoveAsync(kind, id, command, caller, desk, cancellationToken));
        }
    }

    private static Task<SupportGrant> GrantAsync(
        Guid id, GrantCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken)
    {
        RequireWithin("credits", command.Credits, 1, MostCredits);
        RequireWithin("validForDays", command.ValidForDays, 1, MostDays);
        return desk.ActAsync(
            caller.RequireKey(),
            new SupportCommand("grant", id.ToString(), command.Reason, new { command.Credits, command.ValidForDays }),
            async (db, now) =>
            {
                var grant = Guid.CreateVersion7(now);
                var known = await OneAsync(
                    db.Database.SqlQuery<bool>(
                        $"""
                        select grant_support({grant}, {id}, {command.Credits}, {now.AddDays(command.ValidForDays)}, {caller.Name}, {command.Reason}, {now},
                          {Activity.Current?.Id}::text)
                        """),
                    cancellationToken);
                return known ? await ReadAsync(db, grant, now, cancellationToken) : throw Unknown("account");
            },
            cancellationToken);
    }

    private static Task<SupportGrant> ExtendGrantAsync(
        Guid id, ExtendCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken)
    {
        RequireWithin("days", command.Days, 1, MostDays);
        return desk.ActAsync(
            caller.RequireKey(),
            new SupportCommand("extend_grant", id.ToString(), command.Reason, new { command.Days }),
            async (db, now) =>
            {
                var known = await OneAsync(
                    db.Database.SqlQuery<bool>($"select extend_grant({id}, {command.Days}, {caller.Name}, {command.Reason}, {now}, {Activity.Current?.Id}::text)"),
                    cancellationToken);
                return known ? await ReadAsync(db, id, now, cancellationToken) : throw Unknown("grant");
            },
            cancellationToken);
    }

    private static Task<Extended> ExtendAccountAsync(
        Guid id, ExtendCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken)
    {
        RequireWithin("days", command.Days, 1, MostDays);
        return desk.ActAsync(
            caller.RequireKey(),
            new SupportCommand("extend_account", id.ToString(), command.Reason, new { command.Days }),
            async (db, now) =>
            {
                var extended = await OneAsync(
                    db.Database.SqlQuery<int?>($"select extend_account({id}, {command.Days}, {caller.Name}, {command.Reason}, {now}, {Activity.Current?.Id}::text)"),
                    cancellationToken);
                return new Extended(id, extended ?? throw Unknown("account"));
            },
            cancellationToken);
    }

    private static Task<SupportGrant> MoveAsync(
        string kind, Guid id, MoveCommand command, SupportCaller caller, SupportDesk desk, CancellationToken cancellationToken)
    {
        if (kind == "adjust")
            RequireWithin("credits", command.Credits ?? 0, -MostCredits, MostCredits);
        else
            RequireWithin("credits", command.Credits ?? 1, 1, MostCredits);
        if (kind == "adjust" && command.Credits is null or 0)
            throw new ProblemException(Problem.Invalid("credits", "Say by how many, negative to take away."));
        return desk.ActAsync(
            caller.RequireKey(),
            new SupportCommand(kind, id.ToString(), command.Reason, new { command.Credits }),
            async (db, now) =>
            {
                var moved = await OneAsync(
                    db.Database.SqlQuery<Moved>(
                        $"select * from move_credits({id}, {kind}, {command.Credits}::int, {caller.Name}, {command.Reason}, {now}, {Activity.Current?.Id}::text)"),
                    cancellationToken);
                return moved.Result switch
                {
                    "done" => await ReadAsync(db, id, now, cancellationToken),
                    "unknown" => throw Unknown("grant"),
                    _ => throw new ProblemException(Problem.Result(
                        ProblemCode.Conflict, $"At most {CreditWords.Count(moved.Possible)} can be moved: the rest is held, used or gone.", ("possible", moved.Possible))),
                };
            },
            cancellationToken);
    }

    private static async Task<SupportGrant> ReadAsync(EntitlementsDb db, Guid id, DateTimeOffset now, CancellationToken cancellationToken) =>
        SupportGrant.Of(await db.Grants.AsNoTracking().SingleAsync(grant => grant.Id == id, cancellationToken), now);

    private static async Task<T> OneAsync<T>(IQueryable<T> rows, CancellationToken cancellationToken) => (await rows.ToListAsync(cancellationToken))[0];

    private static void RequireWithin(string field, int value, int least, int most)
    {
        if (value < least || value > most)
            throw new ProblemException(Problem.Invalid(field, $"Use a number from {least} to {most}."));
    }

    private static ProblemException Unknown(string what) => new(Problem.Result(ProblemCode.NotFound, $"There is no such {what}."));

    private sealed record Moved(string Result, int Possible);
}
