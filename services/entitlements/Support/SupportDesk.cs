using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using HomeStage.Hosting.Idempotency;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Support;

/// <summary>Who is at the support API, as the token says, and the key of the command.</summary>
internal sealed record SupportCaller(string Name, string? Key)
{
    /// <summary>The key of a command that must not be carried out twice.</summary>
    /// <exception cref="ProblemException">There is none.</exception>
    internal SupportCaller RequireKey() => Key is not null
        ? this
        : throw new ProblemException(Problem.Invalid(IdempotencyKeyHeader.Name, "Send a key of your own, so that the command is carried out once however often it is sent."));

    /// <summary>Binds from the request.</summary>
    public static ValueTask<SupportCaller?> BindAsync(HttpContext context) => ValueTask.FromResult<SupportCaller?>(
        new(context.User.FindFirstValue(ClaimTypes.Name)!, IdempotencyKeyHeader.Read(context.Request)));
}

/// <summary>What a person does or looks at.</summary>
/// <param name="Action">A word, e.g. <c>grant</c>.</param>
/// <param name="Subject">The account, grant, order, queue or address hash.</param>
/// <param name="Reason">In the person's words; empty for reading.</param>
/// <param name="Arguments">What else decides what is done. Never an e-mail address.</param>
internal sealed record SupportCommand(string Action, string Subject, string Reason, object Arguments);

/// <summary>
/// Carries out commands: effect and audit in one transaction. The audit also makes a command happen once: the same key of the same person
/// is answered what it was answered, and a key that belongs to another command is refused.
/// </summary>
internal sealed partial class SupportDesk(
    IDbContextFactory<EntitlementsDb> databases, Outbox outbox, SupportMetrics metrics, TimeProvider time, ILogger<SupportDesk> logger)
{
    internal const int LongestReason = 500;

    /// <summary>Does it, once for each key. <paramref name="effect"/> gets the time that its entries and the audit carry.</summary>
    /// <exception cref="ProblemException">The reason is missing, the key is another command's, or what the effect says; nothing is done then.</exception>
    internal async Task<TAnswer> ActAsync<TAnswer>(
        SupportCaller caller, SupportCommand command, Func<EntitlementsDb, DateTimeOffset, Task<TAnswer>> effect, CancellationToken cancellationToken)
    {
        RequireReason(command.Reason);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await AnsweredAsync<TAnswer>(db, caller, command, cancellationToken) is { } before)
            return before.Answer;
        var now = time.GetUtcNow();
        var answer = await effect(db, now);
        db.SupportAudit.Add(Record(caller, command, now, JsonSerializer.Serialize(answer, JsonSerializerOptions.Web)));
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        outbox.Wake();
        metrics.Acted(command.Action);
        Log.Acted(logger, caller.Name, command.Action, command.Subject);
        return answer;
    }

    /// <summary>Records what is looked at, or what is about to be done elsewhere.</summary>
    internal async Task NoteAsync(SupportCaller caller, SupportCommand command, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.SupportAudit.Add(Record(caller with { Key = null }, command, time.GetUtcNow(), answer: null));
        await db.SaveChangesAsync(cancellationToken);
        metrics.Acted(command.Action);
        Log.Acted(logger, caller.Name, command.Action, command.Subject);
    }

    /// <summary>Refuses a reason that says nothing, or too much.</summary>
    /// <exception cref="ProblemException">It does.</exception>
    internal static void RequireReason(string reason)
    {
        if (string.IsNullOrWhiteSpace(reason) || reason.Length > LongestReason)
            throw new ProblemException(Problem.Invalid("reason", $"Say why, in 1 to {LongestReason} characters."));
    }

    private static async Task<Answered<TAnswer>?> AnsweredAsync<TAnswer>(
        EntitlementsDb db, SupportCaller caller, SupportCommand command, CancellationToken cancellationToken)
    {
        if (caller.Key is null)
            return null;
        // The same command twice at once: the second waits here for what the first is answered.
        await db.Database.ExecuteSqlAsync(
            $"select pg_advisory_xact_lock(hashtextextended({"support " + caller.Name + " " + caller.Key}, 0))", cancellationToken);
        var row = await db.SupportAudit.AsNoTracking()
            .SingleOrDefaultAsync(audit => audit.Actor == caller.Name && audit.IdempotencyKey == caller.Key, cancellationToken);
        if (row is null)
            return null;
        return (row.Action, row.Subject, row.Reason) == (command.Action, command.Subject, command.Reason)
            && JsonNode.DeepEquals(JsonNode.Parse(row.Arguments), Arguments(command))
            ? new(JsonSerializer.Deserialize<TAnswer>(row.Answer!, JsonSerializerOptions.Web)!)
            : throw new ProblemException(Problem.Result(ProblemCode.IdempotencyConflict, "You used this key for another command. Use a new one."));
    }

    private static SupportAuditRow Record(SupportCaller caller, SupportCommand command, DateTimeOffset now, string? answer) => new()
    {
        Id = Guid.CreateVersion7(now),
        At = now,
        Actor = caller.Name,
        Action = command.Action,
        Subject = command.Subject,
        Reason = command.Reason,
        Arguments = Arguments(command).ToJsonString(),
        IdempotencyKey = caller.Key,
        Answer = answer,
    };

    private static JsonNode Arguments(SupportCommand command) => JsonSerializer.SerializeToNode(command.Arguments, JsonSerializerOptions.Web)!;

    private sealed record Answered<TAnswer>(TAnswer Answer);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Actor} did {Action} to {Subject}", EventName = "support_action")]
        public static partial void Acted(ILogger logger, string actor, string action, string subject);
    }
}
