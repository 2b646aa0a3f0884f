using System.Globalization;
using System.Security.Claims;
using HomeStage.Hosting.Identity;

namespace HomeStage.Gateway.Sessions;

/// <summary>A browser's session, as its cookie carries it.</summary>
/// <param name="Id">The session, UUID v7; a sign-in begins a new one.</param>
/// <param name="AccountId">The account that it opens, UUID v7; a visitor's has no row until its first hold or order.</param>
/// <param name="Kind">Visitor, or member once signed in.</param>
/// <param name="IssuedAt">When the session began.</param>
/// <param name="ExpiresAt">When the cookie ends unless the session is used before.</param>
/// <param name="Provider">Where a member signed in; null for a visitor.</param>
internal sealed record Session(Guid Id, Guid AccountId, CallerKind Kind, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt, string? Provider = null)
{
    /// <summary>What a visitor bought outlives a browser session; 400 days is what browsers keep at most.</summary>
    internal static readonly TimeSpan VisitorLifetime = TimeSpan.FromDays(400);

    /// <summary>A member who does nothing for so long signs in again.</summary>
    internal static readonly TimeSpan MemberIdle = TimeSpan.FromHours(12);

    /// <summary>A member signs in again after so long, whatever happens in between.</summary>
    internal static readonly TimeSpan MemberLifetime = TimeSpan.FromDays(30);

    /// <summary>When it ends however much it is used.</summary>
    internal DateTimeOffset EndsAt => Kind == CallerKind.Member ? IssuedAt + MemberLifetime : DateTimeOffset.MaxValue;

    /// <summary>How long it lasts without being used.</summary>
    internal static TimeSpan Idle(CallerKind kind) => kind == CallerKind.Member ? MemberIdle : VisitorLifetime;

    /// <summary>A session in use is renewed, but not with every request.</summary>
    internal static TimeSpan RenewedAfter(CallerKind kind) => kind == CallerKind.Member ? TimeSpan.FromMinutes(15) : TimeSpan.FromDays(1);

    internal static Session Visitor(Guid account, DateTimeOffset now) =>
        new(Guid.CreateVersion7(now), account, CallerKind.Visitor, now, now + VisitorLifetime);

    internal static Session Member(Guid id, Guid account, string provider, DateTimeOffset now) =>
        new(id, account, CallerKind.Member, now, now + MemberIdle, provider);

    internal ClaimsPrincipal ToPrincipal()
    {
        List<Claim> claims =
        [
            new("sid", Id.ToString("D")),
            new("sub", AccountId.ToString("D")),
            new("kind", Kind.ToString()),
            new("iat", IssuedAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        ];
        if (Provider is not null)
            claims.Add(new("idp", Provider));
        return new(new ClaimsIdentity(claims, SessionCookie.Scheme));
    }

    /// <summary>The session in a ticket that was decrypted; null if it is not one of ours after all.</summary>
    internal static Session? From(ClaimsPrincipal principal, DateTimeOffset expiresAt) =>
        Guid.TryParse(principal.FindFirstValue("sid"), out var id)
        && Guid.TryParse(principal.FindFirstValue("sub"), out var account)
        && Enum.TryParse<CallerKind>(principal.FindFirstValue("kind"), out var kind)
        && long.TryParse(principal.FindFirstValue("iat"), CultureInfo.InvariantCulture, out var issued)
            ? new Session(id, account, kind, DateTimeOffset.FromUnixTimeSeconds(issued), expiresAt, principal.FindFirstValue("idp"))
            : null;
}
