using System.Security.Claims;
using HomeStage.Hosting.Problems;
using Microsoft.AspNetCore.Http;

namespace HomeStage.Hosting.Identity;

/// <summary>
/// Who is behind a request, as the validated internal token says. Bind it as a parameter of an endpoint:
/// it answers 401 where nobody is identified.
/// </summary>
public sealed record Caller
{
    /// <summary>The service that issued the token: <c>gateway</c> for people and programs outside.</summary>
    public required string Issuer { get; init; }

    /// <summary>The account acted for; <see cref="Guid.Empty"/> for <see cref="CallerKind.Anonymous"/> and <see cref="CallerKind.Service"/>.</summary>
    public required Guid AccountId { get; init; }

    /// <summary>What kind of caller it is.</summary>
    public required CallerKind Kind { get; init; }

    /// <summary>The session, if a cookie identified the caller.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>The API key, if one identified the caller.</summary>
    public Guid? KeyId { get; init; }

    /// <summary>Keyed hash of the client's address (IPv6 cut to /64), base64url.</summary>
    public string? AddressHash { get; init; }

    /// <summary>What an API key or bearer token may do; empty for sessions, which may do everything of their account.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>Whether it has still to be shown that a person asks, where the gateway wants that for what is free.</summary>
    public bool Unproven { get; init; }

    /// <summary>Binds from the request.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context)
    {
        var caller = From(context.User);
        return caller is null || (caller.AccountId == Guid.Empty && caller.Kind is not (CallerKind.Anonymous or CallerKind.Service))
            ? throw new ProblemException(Problem.Result(ProblemCode.Unauthenticated, "Get a session with GET /api/v1/session, or send an API key."))
            : ValueTask.FromResult<Caller?>(caller);
    }

    internal static Caller? From(ClaimsPrincipal user)
    {
        if (user.Identity?.IsAuthenticated is not true
            || user.FindFirstValue("iss") is not { } issuer
            || !Guid.TryParse(user.FindFirstValue("sub"), out var account)
            || !Enum.TryParse<CallerKind>(user.FindFirstValue("kind"), ignoreCase: true, out var kind))
        {
            return null;
        }

        return new Caller
        {
            Issuer = issuer,
            AccountId = account,
            Kind = kind,
            SessionId = Guid.TryParse(user.FindFirstValue("sid"), out var session) ? session : null,
            KeyId = Guid.TryParse(user.FindFirstValue("key"), out var key) ? key : null,
            AddressHash = user.FindFirstValue("iph"),
            Unproven = user.FindFirstValue("unproven") == "true",
            Scopes = user.FindFirstValue("scope")?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [],
        };
    }
}

/// <summary>Kinds of callers.</summary>
public enum CallerKind
{
    /// <summary>Nobody: a public route, or Stripe, whose own signature is checked by billing.</summary>
    Anonymous,

    /// <summary>A browser session without sign-in.</summary>
    Visitor,

    /// <summary>A signed-in person.</summary>
    Member,

    /// <summary>A program, with an API key or an access token; it has no free allowance and cannot act on sessions or keys.</summary>
    Key,

    /// <summary>Another service on its own behalf.</summary>
    Service,
}
