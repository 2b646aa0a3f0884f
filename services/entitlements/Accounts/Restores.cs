using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Body of <c>POST /internal/accounts/restore</c>.</summary>
/// <param name="Code">The restore code as a person typed it.</param>
internal sealed record RestoreRequest(string Code);

/// <summary>The account that a restore code opens.</summary>
internal sealed record RestoreDone(Guid AccountId);

/// <summary>
/// <c>POST /internal/accounts/restore</c>: which account a restore code opens. The gateway limits how often it may be asked; a code has
/// 128 bit, and is looked up by its hash, so that the time of an answer tells nothing of codes that exist.
/// </summary>
internal static class Restores
{
    private const int LongestTyped = 200;

    /// <summary>Somebody signs in to the account, so a code does not open it any more.</summary>
    private static readonly ProblemCode SignInRequired = new("sign_in_required", StatusCodes.Status403Forbidden, "Sign in to open this account");

    internal static void AddRestores(this ServiceBuilder service) =>
        service.Map(app => app.MapPost("/internal/accounts/restore", RestoreAsync)
            .RequireCaller("gateway")
            .AddEndpointFilter(UsageUnavailable.Filter));

    private static async Task<Results<Ok<RestoreDone>, ProblemHttpResult>> RestoreAsync(
        RestoreRequest request, IDbContextFactory<EntitlementsDb> databases, CancellationToken cancellationToken)
    {
        if (request.Code.Length > LongestTyped)
            return Problem.Invalid("code", $"Use {LongestTyped} characters at most.");
        if (RestoreCode.HashOf(request.Code) is not { } hash)
            return Unknown();

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        // A grant changes hands when its account is merged, so it names the account that has everything now.
        var found = await db.Database.SqlQuery<Found>(
            $"select account_id, has_identity(account_id) from grants where restore_code_hash = {hash} limit 1").ToListAsync(cancellationToken);
        return found switch
        {
            [] => Unknown(),
            [{ HasIdentity: true }] => Problem.Result(SignInRequired, "Its owner has signed in since, so the code is not needed any more."),
            [var one, ..] => TypedResults.Ok(new RestoreDone(one.AccountId)),
        };
    }

    private static ProblemHttpResult Unknown() =>
        Problem.Result(ProblemCode.NotFound, "There is no such code. Copy it from the order's page, or ask support.");

    private sealed record Found(Guid AccountId, bool HasIdentity);
}
