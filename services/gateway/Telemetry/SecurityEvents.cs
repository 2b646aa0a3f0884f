using System.Collections.Concurrent;
using HomeStage.Gateway.Requests;
using HomeStage.Hosting;
using HomeStage.Hosting.Telemetry;

namespace HomeStage.Gateway.Telemetry;

/// <summary>
/// Security events: one log line and one count each. The line carries <c>timestamp, level, event, ip, country, user_agent, reason, traceId</c>;
/// <c>ip</c> is the keyed hash that the services see too, never the address, and <c>country</c> what a trusted proxy says (<c>COUNTRY_HEADER</c>).
/// A flood is counted whole and written in part: it must not fill the log.
/// </summary>
internal sealed partial class SecurityEvents(ILogger<SecurityEvents> logger, GatewayMetrics metrics, TimeProvider time)
{
    internal const string WebhookRefusedEvent = "webhook_refused";
    internal const string RateLimitedEvent = "rate_limited";

    /// <summary>Lines a second for each event and reason.</summary>
    internal const int LinesPerSecond = 20;

    private const int UserAgentLimit = 200;

    private readonly ConcurrentDictionary<(string Name, string Reason), Lines> _lines = new();

    /// <summary>An unsafe request did not come from our own page.</summary>
    public void CsrfRejected(HttpContext context) =>
        Record(context, "csrf_rejected", context.Request.Headers.Origin.Count > 0 ? "origin" : "fetch_site", Log.CsrfRejected);

    /// <summary>An Authorization header that identifies nobody, or not somebody who may do this.</summary>
    public void CredentialRejected(HttpContext context, string reason)
    {
        metrics.CredentialRefused(context);
        Record(context, "authentication_failed", reason, Log.AuthenticationFailed);
    }

    /// <summary>A provider's answer that is forged, too old, of another browser, or not what was asked for.</summary>
    public void SignInFailed(HttpContext context) => CredentialRejected(context, "sign_in");

    /// <summary>A session cookie that none of the keys decrypts.</summary>
    public void CookieUnreadable(HttpContext context) => Record(context, "session_unreadable", "cookie", Log.SessionUnreadable);

    /// <summary>A path that two servers could read differently.</summary>
    public void PathRefused(HttpContext context) => Record(context, "path_refused", "path", Log.PathRefused);

    /// <summary>A body larger than the route takes.</summary>
    public void BodyTooLarge(HttpContext context) => Record(context, "body_too_large", "size", Log.BodyTooLarge);

    /// <summary>A webhook that cannot be Stripe's, or whose body does not come.</summary>
    public void WebhookRefused(HttpContext context, string reason) => Record(context, WebhookRefusedEvent, reason, Log.WebhookRefused);

    /// <summary>An answer to a challenge that proves nothing.</summary>
    public void ChallengeFailed(HttpContext context, string reason) => Record(context, "challenge_failed", reason, Log.ChallengeFailed);

    /// <summary>A limit was exceeded.</summary>
    public void RateLimited(HttpContext context, string limit) => Record(context, RateLimitedEvent, limit, Log.RateLimited);

    /// <summary>A request from an address that support blocked.</summary>
    public void AddressBlocked(HttpContext context) => Record(context, "address_blocked", "support", Log.AddressBlocked);

    private void Record(HttpContext context, string name, string reason, Action<ILogger, string, string?, string, string> log)
    {
        metrics.SecurityEvent(name, reason);
        if (!_lines.GetOrAdd((name, reason), static _ => new Lines()).Take(time.GetUtcNow().ToUnixTimeSeconds(), out var leftOut))
            return;
        if (leftOut > 0)
            Log.LeftOut(logger, name, reason, leftOut);
        var agent = context.Request.Headers.UserAgent.ToString();
        log(logger, ClientAddress.Of(context).Hash, ClientCountry.Of(context), agent.Length > UserAgentLimit ? agent[..UserAgentLimit] : agent, reason);
    }

    /// <summary>The lines that may be written this second.</summary>
    private sealed class Lines
    {
        private readonly Lock _gate = new();
        private long _second;
        private int _asked;

        /// <summary>Whether there is one left, and how many were left out in the last second that had any.</summary>
        internal bool Take(long second, out int leftOut)
        {
            lock (_gate)
            {
                leftOut = 0;
                if (second != _second)
                {
                    leftOut = Math.Max(0, _asked - LinesPerSecond);
                    (_second, _asked) = (second, 0);
                }

                return ++_asked <= LinesPerSecond;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Refused a request from a foreign origin ({ip}, {country}, {user_agent}, {reason})", EventName = "csrf_rejected")]
        public static partial void CsrfRejected(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(2, LogLevel.Warning, "Refused a credential ({ip}, {country}, {user_agent}, {reason})", EventName = "authentication_failed")]
        public static partial void AuthenticationFailed(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(3, LogLevel.Warning, "No key decrypts a session cookie ({ip}, {country}, {user_agent}, {reason})", EventName = "session_unreadable")]
        public static partial void SessionUnreadable(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(4, LogLevel.Warning, "Refused an ambiguous path ({ip}, {country}, {user_agent}, {reason})", EventName = "path_refused")]
        public static partial void PathRefused(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(5, LogLevel.Warning, "Refused a body that is too large ({ip}, {country}, {user_agent}, {reason})", EventName = "body_too_large")]
        public static partial void BodyTooLarge(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(6, LogLevel.Warning, "A limit was exceeded ({ip}, {country}, {user_agent}, {reason})", EventName = RateLimitedEvent)]
        public static partial void RateLimited(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(8, LogLevel.Warning, "Refused a webhook at the door ({ip}, {country}, {user_agent}, {reason})", EventName = WebhookRefusedEvent)]
        public static partial void WebhookRefused(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(9, LogLevel.Warning, "Refused an answer to a challenge ({ip}, {country}, {user_agent}, {reason})", EventName = "challenge_failed")]
        public static partial void ChallengeFailed(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(7, LogLevel.Warning, "Refused a blocked address ({ip}, {country}, {user_agent}, {reason})", EventName = "address_blocked")]
        public static partial void AddressBlocked(ILogger logger, string ip, string? country, string user_agent, string reason);

        [LoggerMessage(10, LogLevel.Warning, "Left out {count} lines of {kind} ({reason}) in a second; all are counted", EventName = "security_events_left_out")]
        public static partial void LeftOut(ILogger logger, string kind, string reason, int count);
    }
}

internal static class TelemetryExtensions
{
    internal static void AddGatewayTelemetry(this ServiceBuilder service)
    {
        service.AddMetrics<GatewayMetrics>();
        service.Services.AddSingleton<SecurityEvents>();
    }
}
