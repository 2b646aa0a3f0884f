using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Staging;

/// <summary>Whoever makes a request to a route that needs somebody; anonymous requests are answered 401.</summary>
/// <param name="AccountId">Whom new things belong to.</param>
/// <param name="Accounts">That account and those that were merged into it: whose things the caller owns. Part of every query.</param>
/// <param name="AddressHash">Keyed hash of the client's address; null for whoever is not served for free: programs, and <paramref name="Unproven"/> browsers.</param>
/// <param name="ApiKeyId">The API key that asks, whose monthly credits bound what it may cost.</param>
/// <param name="Unproven">Whether it has still to be shown that a person asks, before anything is free.</param>
internal sealed record Owner(Guid AccountId, Guid[] Accounts, string? AddressHash, Guid? ApiKeyId, bool Unproven = false)
{
    public static async ValueTask<Owner?> BindAsync(HttpContext context)
    {
        if (await Caller.BindAsync(context) is not { AccountId: var account } caller || account == Guid.Empty)
            throw new ProblemException(Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session, or send an API key."));
        await using var db = await context.RequestServices.GetRequiredService<IDbContextFactory<StagingDb>>().CreateDbContextAsync(context.RequestAborted);
        var mayBeFree = caller.Kind != CallerKind.Key && !caller.Unproven;
        return new Owner(account, await db.OwnersAsync(account, context.RequestAborted), mayBeFree ? caller.AddressHash : null, caller.KeyId, caller.Unproven);
    }
}
