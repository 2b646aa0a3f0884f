using System.Globalization;
using System.Security.Claims;
using HomeStage.Hosting.Identity;

namespace HomeStage.Gateway.Sessions;

/// <summary>A browser's session, as its cookie carries it.</summary>
/// <param name="Id">The session, UUID v7.</param>
/// <param name="AccountId">The account that it opens, UUID v7; it has no row until its first hold or order.</param>
/// <param name="Kind">Visitor, or member once signed in.</param>
/// <param name="IssuedAt">When the session began.</param>
/// <param name="ExpiresAt">When the cookie ends unless the session is used before.</param>
internal sealed record Session(Guid Id, Guid AccountId, CallerKind Kind, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt)
{
    internal ClaimsPrincipal ToPrincipal() => new(new ClaimsIdentity(
        [
            new("sid", Id.ToString("D")),
            new("sub", AccountId.ToString("D")),
            new("kind", Kind.ToString()),
            new("iat", IssuedAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        ],
        SessionCookie.Scheme));

    /// <summary>The session in a ticket that was decrypted; null if it is not one of ours after all.</summary>
    internal static Session? From(ClaimsPrincipal principal, DateTimeOffset expiresAt) =>
        Guid.TryParse(principal.FindFirstValue("sid"), out var id)
        && Guid.TryParse(principal.FindFirstValue("sub"), out var account)
        && Enum.TryParse<CallerKind>(principal.FindFirstValue("kind"), out var kind)
        && long.TryParse(principal.FindFirstValue("iat"), CultureInfo.InvariantCulture, out var issued)
            ? new Session(id, account, kind, DateTimeOffset.FromUnixTimeSeconds(issued), expiresAt)
            : null;
}
