using HomeStage.Gateway.Entitlements;
using HomeStage.Gateway.Sessions;
using HomeStage.Gateway.Telemetry;

namespace HomeStage.Gateway.SignIn;

/// <summary>What became of a sign-in.</summary>
internal enum SignInOutcome
{
    /// <summary>The browser has a member's session.</summary>
    Done,

    /// <summary>The person has to say first whose the visitor's things in this browser are.</summary>
    Asked,

    /// <summary>Nothing was done: entitlements does not answer, or the browser's cookie cannot be read.</summary>
    Unavailable,
}

/// <summary>Makes a member's session of what a provider said, in place of the session that the browser has.</summary>
internal sealed class SignIns(
    EntitlementsClient entitlements, SessionCookie cookie, CookieKeys keys, Revocations revocations, RegisteredSessions registered, GatewayMetrics metrics)
{
    /// <param name="context">The request of the browser that signs in.</param>
    /// <param name="who">Whom the provider named.</param>
    /// <param name="returnUrl">A path of ours, for after the question.</param>
    /// <param name="merge">The person's answer; null before the question.</param>
    internal async Task<SignInOutcome> CompleteAsync(HttpContext context, SignedIn who, string returnUrl, bool? merge)
    {
        var (old, unreadable) = await cookie.ReadAsync(context);
        // It may belong to somebody who paid; it comes back with the keys, and must not be lost to a sign-in meanwhile.
        if (unreadable || !revocations.Loaded)
            return SignInOutcome.Unavailable;

        var now = cookie.Now;
        var session = Guid.CreateVersion7(now);
        var answer = await entitlements.SendAsync<SignInAnswer>(
            HttpMethod.Post,
            "/internal/sign-ins",
            new
            {
                who.Issuer,
                who.Subject,
                SessionId = session,
                Device = Device.Of(context.Request.Headers.UserAgent.ToString()),
                Old = old is null ? null : new { SessionId = old.Id, old.AccountId, Kind = old.Kind.ToString().ToLowerInvariant() },
                Merge = merge,
            },
            context.RequestAborted);
        if (answer.Value is not { } signedIn)
            return SignInOutcome.Unavailable;
        if (signedIn.Result == "ask")
        {
            PendingMerge.Set(context, keys, who, old!.Id, returnUrl, now);
            return SignInOutcome.Asked;
        }

        if (old is not null)
            revocations.Add([old.Id]);
        registered.Add(session);
        PendingMerge.Clear(context);
        await SessionCookie.SetAsync(context, Session.Member(session, signedIn.AccountId, who.Provider, now));
        metrics.SignedIn(context);
        return SignInOutcome.Done;
    }

    private sealed record SignInAnswer(string Result, Guid AccountId);
}
