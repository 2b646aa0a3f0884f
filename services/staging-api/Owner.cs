using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;

namespace HomeStage.Staging;

/// <summary>The account behind a request to a route that needs one; anonymous requests are answered 401.</summary>
/// <param name="AccountId">Part of every query.</param>
/// <param name="AddressHash">Keyed hash of the client's address; null for API keys, which are never served for free.</param>
internal sealed record Owner(Guid AccountId, string? AddressHash)
{
    public static async ValueTask<Owner?> BindAsync(HttpContext context) =>
        await Caller.BindAsync(context) is { AccountId: var account } caller && account != Guid.Empty
            ? new Owner(account, caller.Kind == CallerKind.Key ? null : caller.AddressHash)
            : throw new ProblemException(Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session, or send an API key."));
}
