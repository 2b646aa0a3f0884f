using System.Security.Cryptography;
using System.Text.Json;
using HomeStage.Gateway.Sessions;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.SignIn;

/// <summary>Who has signed in at a provider.</summary>
internal sealed record SignedIn(string Provider, string Issuer, string Subject);

/// <summary>
/// A sign-in that waits for a person to say whether the visitor's things in this browser are theirs. Kept by the browser, encrypted, for ten
/// minutes; it belongs to the visitor's session that was there, so it is worth nothing in another browser.
/// </summary>
internal sealed record PendingMerge(SignedIn Who, Guid VisitorSession, string ReturnUrl, DateTimeOffset Until)
{
    internal const string CookieName = "__Host-homestage-merge";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    internal static void Set(HttpContext context, CookieKeys keys, SignedIn who, Guid visitorSession, string returnUrl, DateTimeOffset now)
    {
        var pending = new PendingMerge(who, visitorSession, returnUrl, now + Lifetime);
        var text = Base64UrlEncoder.Encode(Protector(keys).Protect(JsonSerializer.SerializeToUtf8Bytes(pending)));
        context.Response.Cookies.Append(CookieName, text, Options(Lifetime));
    }

    /// <summary>The sign-in that waits in this browser; null if none does, or none any more.</summary>
    internal static PendingMerge? Read(HttpContext context, CookieKeys keys, DateTimeOffset now)
    {
        try
        {
            return context.Request.Cookies[CookieName] is { Length: > 0 } text
                && JsonSerializer.Deserialize<PendingMerge>(Protector(keys).Unprotect(Base64UrlEncoder.DecodeBytes(text))) is { } pending && pending.Until > now
                    ? pending
                    : null;
        }
        catch (Exception error) when (error is CryptographicException or FormatException or JsonException)
        {
            return null;
        }
    }

    internal static void Clear(HttpContext context) => context.Response.Cookies.Delete(CookieName, Options(maxAge: null));

    private static CookieProtection Protector(CookieKeys keys) => (CookieProtection)new CookieProtection(keys).CreateProtector("merge");

    private static CookieOptions Options(TimeSpan? maxAge) =>
        new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = maxAge, IsEssential = true };
}
