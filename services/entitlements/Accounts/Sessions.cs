using System.ComponentModel.DataAnnotations;
using HomeStage.Entitlements.Credits;
using HomeStage.Hosting;
using HomeStage.Hosting.Description;
using HomeStage.Hosting.Identity;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace HomeStage.Entitlements.Accounts;

/// <summary>Body of <c>PUT /internal/sessions/{sessionId}</c>.</summary>
internal sealed record SessionSeen
{
    public required Guid AccountId { get; init; }

    /// <summary><c>visitor</c> or <c>member</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What the person may recognise the device by, e.g. "Firefox on Linux".</summary>
    public string? Device { get; init; }
}

/// <summary>Body of <c>POST /internal/sessions/{sessionId}/end</c>.</summary>
internal sealed record SessionEnd
{
    public required Guid AccountId { get; init; }

    /// <summary><c>visitor</c> or <c>member</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>All sessions of the account, not only this one.</summary>
    public bool Everywhere { get; init; }
}

/// <summary>A device on which somebody uses the account.</summary>
/// <param name="Id">The session.</param>
/// <param name="Kind"><c>visitor</c> or <c>member</c>.</param>
/// <param name="Device">Browser and system, in fixed words.</param>
/// <param name="CreatedAt">When the session began.</param>
/// <param name="LastSeenAt">When it was last used, to the hour.</param>
/// <param name="Current">Whether it is the one that asks.</param>
internal sealed record DeviceView(Guid Id, [property: AllowedValues("visitor", "member")] string Kind, string? Device, DateTimeOffset CreatedAt, DateTimeOffset LastSeenAt, bool Current);

/// <summary>Answer to <c>GET /api/v1/sessions</c>, the latest first.</summary>
internal sealed record SessionList(IReadOnlyList<DeviceView> Items);

/// <summary>The sessions that the gateway issues: registered and ended by it, listed and ended by their people.</summary>
internal static class Sessions
{
    private const int LongestDevice = 200;
    private const int Listed = 100;

    // As long as the gateway's cookies last from the sign-in and from the last use, and what the news of a use may be late.
    private static readonly TimeSpan MemberLifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan MemberIdle = TimeSpan.FromHours(14);
    private static readonly TimeSpan VisitorIdle = TimeSpan.FromDays(401);

    internal static void AddSessions(this ServiceBuilder service) => service.Map(app =>
    {
        var gateway = app.MapGroup("/internal/sessions").RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter);
        gateway.MapPut("/{sessionId:guid}", PutAsync);
        gateway.MapPost("/{sessionId:guid}/end", EndAsync);

        var own = app.MapGroup("/api/v1/sessions").RequireCaller("gateway").AddEndpointFilter(UsageUnavailable.Filter).AddEndpointFilter(RequireSession)
            .Refuses(ProblemCode.Unauthenticated, ProblemCode.Forbidden, ProblemCode.UsageUnavailable);
        own.MapGet("", ListAsync).Describe("Session", "listSessions", "The devices on which the account is used, the latest first");
        own.MapDelete("", EndAllAsync).Describe("Session", "endAllSessions", "Sign out everywhere", "This session ends, too. Open event streams of all of them close.");
        own.MapDelete("/{sessionId:guid}", EndOneAsync)
            .Describe("Session", "endSession", "Sign out on one device")
            .Explains("sessionId", "A session of the list.")
            .Refuses(ProblemCode.NotFound);
    });

    /// <summary>Admits sessions alone: a program with a key has none, and must not see or end people's.</summary>
    internal static async ValueTask<object?> RequireSession(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.Arguments.OfType<Caller>().Single() switch
        {
            { Kind: CallerKind.Visitor or CallerKind.Member, SessionId: not null } => await next(context),
            { Kind: CallerKind.Key } => Problem.Result(ProblemCode.Forbidden, "This needs a session; a key or token cannot do it."),
            _ => Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session first."),
        };

    private static async Task<Results<NoContent, ProblemHttpResult>> PutAsync(
        Guid sessionId, SessionSeen seen, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Validate(seen.AccountId, seen.Kind, seen.Device) is { } invalid)
            return invalid;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var results = await db.Database.SqlQuery<string>(
            $"select see_session({sessionId}, {seen.AccountId}, {seen.Kind}, {seen.Device}::text, {time.GetUtcNow()}) as \"Value\"").ToListAsync(cancellationToken);
        return results[0] switch
        {
            "seen" => TypedResults.NoContent(),
            "ended" => Problem.Result(ProblemCode.SessionEnded),
            _ => Problem.Result(ProblemCode.Conflict, "The session belongs to another account."),
        };
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EndAsync(
        Guid sessionId, SessionEnd end, Revocations revocations, CancellationToken cancellationToken)
    {
        if (Validate(end.AccountId, end.Kind, device: null) is { } invalid)
            return invalid;
        await revocations.EndSessionsAsync(end.AccountId, sessionId, end.Kind, end.Everywhere, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Ok<SessionList>> ListAsync(
        Caller caller, IDbContextFactory<EntitlementsDb> databases, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Database.SqlQuery<DeviceView>(
            $"""
            select s.id, s.kind, s.device, s.created_at, s.last_seen_at, s.id = {caller.SessionId} as current
            from sessions s
            where s.account_id in (select a.id from accounts a where {caller.AccountId} in (a.id, a.merged_into))
              and s.revoked_at is null and not is_revoked(s.id)
              and (s.id = {caller.SessionId} or case s.kind
                when 'member' then s.created_at > {now - MemberLifetime} and s.last_seen_at > {now - MemberIdle}
                else s.last_seen_at > {now - VisitorIdle} end)
            order by s.last_seen_at desc, s.id desc limit {Listed}
            """).ToListAsync(cancellationToken);
        return TypedResults.Ok(new SessionList(rows));
    }

    private static async Task<NoContent> EndAllAsync(Caller caller, Revocations revocations, CancellationToken cancellationToken)
    {
        await revocations.EndSessionsAsync(caller.AccountId, caller.SessionId, caller.Kind.ToString().ToLowerInvariant(), everywhere: true, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> EndOneAsync(
        Caller caller, Guid sessionId, IDbContextFactory<EntitlementsDb> databases, Revocations revocations, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var own = await db.Database.SqlQuery<string>(
            $"""
            select s.kind as "Value" from sessions s
            where s.id = {sessionId} and s.account_id in (select a.id from accounts a where {caller.AccountId} in (a.id, a.merged_into))
            """).ToListAsync(cancellationToken);
        if (own is not [var kind])
            return Problem.Result(ProblemCode.NotFound);
        await revocations.EndSessionsAsync(caller.AccountId, sessionId, kind, everywhere: false, cancellationToken);
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult? Validate(Guid account, string kind, string? device)
    {
        if (account == Guid.Empty)
            return Problem.Invalid("accountId", "Name an account.");
        if (kind is not ("visitor" or "member"))
            return Problem.Invalid("kind", "Use visitor or member.");
        return device?.Length > LongestDevice ? Problem.Invalid("device", $"Use {LongestDevice} characters at most.") : null;
    }
}
