using HomeStage.Hosting.Problems;
using RabbitMQ.Client.Exceptions;

namespace HomeStage.Entitlements.Support;

/// <summary>Answer to <c>GET /support/dead-letters</c>.</summary>
internal sealed record DeadLetterQueues(IReadOnlyList<DeadLetterQueue> Queues);

/// <summary>Body of <c>POST /support/dead-letters/{queue}/resend</c>.</summary>
/// <param name="Reason">For the audit alone.</param>
/// <param name="Max">1 to 10,000; 100 if left out.</param>
internal sealed record ResendCommand(string Reason, int Max = 100);

/// <summary>Counts dead letters and sends them on their way again.</summary>
internal static class DeadLetterRoutes
{
    private const int Most = 10_000;

    internal static void MapDeadLetters(this IEndpointRouteBuilder read) =>
        read.MapGet("/dead-letters", async (DeadLetters letters, CancellationToken cancellationToken) =>
            new DeadLetterQueues(await letters.CountAsync(cancellationToken)));

    internal static void MapDeadLetterCommands(this IEndpointRouteBuilder act) => act.MapPost("/dead-letters/{queue}/resend", ResendAsync);

    private static async Task<Resent> ResendAsync(
        string queue, ResendCommand command, SupportCaller caller, SupportDesk desk, DeadLetters letters, CancellationToken cancellationToken)
    {
        SupportDesk.RequireReason(command.Reason);
        if (command.Max is < 1 or > Most)
            throw new ProblemException(Problem.Invalid("max", $"Use a number from 1 to {Most}."));
        if (!DeadLetters.Queues.Contains(queue))
            throw new ProblemException(Problem.Result(ProblemCode.NotFound, "There is no such queue. GET /support/dead-letters names them."));
        // The broker knows no transaction with us: what was about to be done is on record whatever happens then.
        await desk.NoteAsync(caller, new SupportCommand("resend", queue, command.Reason, new { command.Max }), cancellationToken);
        try
        {
            return await letters.ResendAsync(queue, command.Max, cancellationToken);
        }
        catch (PublishException)
        {
            throw new ProblemException(Problem.Result(
                ProblemCode.Conflict, "The broker did not take a message back into its queue, so it stays among the dead letters. Does the queue exist?"));
        }
    }
}
