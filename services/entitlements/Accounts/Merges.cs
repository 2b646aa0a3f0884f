using System.Diagnostics;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Messaging;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Body of <c>POST /internal/accounts/merge</c>.</summary>
/// <param name="From">The visitor's account that ends.</param>
/// <param name="Into">The account that owns everything afterwards.</param>
internal sealed record MergeRequest(Guid From, Guid Into);

/// <summary>Answer to a merge, now or before.</summary>
/// <param name="AccountId">The account that owns everything: <see cref="MergeRequest.Into"/>, or what that was merged into.</param>
internal sealed record MergeDone(Guid AccountId);

/// <summary><c>POST /internal/accounts/merge</c>: the gateway makes a visitor's account part of the one that is signed in to.</summary>
internal static partial class Merges
{
    internal static void AddMerges(this ServiceBuilder service) =>
        service.Map(app => app.MapPost("/internal/accounts/merge", MergeAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Results<Ok<MergeDone>, ProblemHttpResult>> MergeAsync(
        MergeRequest request,
        IDbContextFactory<EntitlementsDb> databases,
        Outbox outbox,
        Revocations revocations,
        TimeProvider time,
        ILogger<EntitlementsDb> logger,
        CancellationToken cancellationToken)
    {
        if (request.From == Guid.Empty)
            return Problem.Invalid("from", "Name an account.");
        if (request.Into == Guid.Empty)
            return Problem.Invalid("into", "Name an account.");

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var answers = await db.Database.SqlQuery<MergeAnswer>(
            $"select * from merge_accounts({request.From}, {request.Into}, {time.GetUtcNow()}, {Activity.Current?.Id}::text)").ToListAsync(cancellationToken);
        outbox.Wake();
        await revocations.AnnounceAsync();
        var answer = answers[0];
        Log.Merged(logger, request.From, answer.IntoAccount, answer.Result);
        return answer.Result switch
        {
            "merged" or "repeated" or "same" => TypedResults.Ok(new MergeDone(answer.IntoAccount)),
            "has_identity" => Problem.Result(ProblemCode.Conflict, "Somebody signs in to the account, so it cannot become part of another."),
            "elsewhere" => Problem.Result(ProblemCode.Conflict, "The account became part of another one before."),
            _ => throw new UnreachableException($"merge_accounts answered {answer.Result}."),
        };
    }

    private sealed record MergeAnswer(string Result, Guid IntoAccount);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Merge of account {From} into {Into}: {Result}", EventName = "accounts_merged")]
        public static partial void Merged(ILogger logger, Guid from, Guid into, string result);
    }
}
