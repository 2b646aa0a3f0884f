using HomeStage.Gateway.Identity;
using HomeStage.Gateway.Sessions;
using HomeStage.Hosting.Identity;

namespace HomeStage.Gateway.Limits;

/// <summary>
/// Who is counted beside the address. A kind of caller with limits of its own, such as an API key, says them here: they hold in addition
/// to those of the route's class.
/// </summary>
/// <param name="Subject">Names the caller among all: <c>s:</c> and a session, <c>m:</c> and a member's account, <c>k:</c> and a key.</param>
/// <param name="Own">The caller's own limits over all routes; their names must not be those of a class.</param>
internal sealed record LimitedCaller(string Subject, IReadOnlyList<LimitPolicy> Own)
{
    /// <summary>Whoever was identified; null for nobody.</summary>
    internal static LimitedCaller? Of(Identification caller) =>
        caller.Session is { } session ? Of(session) : caller.Program is { } program ? Of(program) : null;

    /// <summary>An API key counts by itself, within the limit that its owner gave it; an access token by its account.</summary>
    internal static LimitedCaller Of(ProgramCaller program) => new(
        program.KeyId is { } key ? $"k:{key:N}" : $"m:{program.AccountId:N}",
        program.RequestsPerMinute is { } limit ? [new LimitPolicy("key-min", limit, TimeSpan.FromMinutes(1), limit)] : []);

    /// <summary>A session counts by itself, a member by the account, whatever the device.</summary>
    internal static LimitedCaller Of(Session session) =>
        new(session.Kind == CallerKind.Member ? $"m:{session.AccountId:N}" : $"s:{session.Id:N}", []);
}
