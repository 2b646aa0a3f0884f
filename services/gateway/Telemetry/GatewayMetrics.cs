using System.Diagnostics.Metrics;
using HomeStage.Gateway.Limits;
using HomeStage.Gateway.Requests;
using HomeStage.Gateway.Webhooks;

namespace HomeStage.Gateway.Telemetry;

/// <summary>What the gateway counts.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly RecentFailures _failures;
    private readonly Counter<long> _securityEvents;
    private readonly Counter<long> _identities;
    private readonly Counter<long> _sessionsRegistered;
    private readonly Counter<long> _upstreamFailures;
    private readonly Counter<long> _limitDecisions;

    public GatewayMetrics(IMeterFactory meters, TimeProvider time)
    {
        _failures = new(time);
        _meter = meters.Create("HomeStage.Gateway");
        _securityEvents = _meter.CreateCounter<long>("homestage.gateway.security_events", "{event}", "Requests refused for safety, by `event` and `reason`.");
        _identities = _meter.CreateCounter<long>("homestage.gateway.identities", "{event}", "Sessions issued, sign-ins and refused credentials, by `event` (issued, signed_in, refused) and `country`, which is ZZ where no proxy says it.");
        _sessionsRegistered = _meter.CreateCounter<long>("homestage.gateway.session_registrations", "{session}", "Registrations at entitlements, by `outcome`.");
        _upstreamFailures = _meter.CreateCounter<long>("homestage.gateway.upstream_failures", "{request}", "Requests that an upstream did not answer, by `upstream` and `error`.");
        _limitDecisions = _meter.CreateCounter<long>("homestage.gateway.limit_decisions", "{request}", "Requests that a limit was asked about, by `limit` and `outcome`.");
        _meter.CreateObservableGauge("homestage.gateway.refused_credentials.worst_address", () => _failures.OfWorstAddress, "{request}", "Refused credentials of the last 60 s from the one address that has the most.");
        foreach (var name in (ReadOnlySpan<string>)["issued", "signed_in", "refused"])
            Identified(name, country: null, count: 0);
        foreach (var reason in SignatureShape.Reasons)
            SecurityEvent(SecurityEvents.WebhookRefusedEvent, reason, count: 0);
        foreach (var limit in LimitClasses.Names)
        {
            SecurityEvent(SecurityEvents.RateLimitedEvent, limit, count: 0);
            LimitDecided(limit, LimitOutcome.Unavailable, count: 0);
        }
    }

    public void SecurityEvent(string name, string reason, int count = 1) =>
        _securityEvents.Add(count, new("event", name), new KeyValuePair<string, object?>("reason", reason));

    public void SessionIssued(HttpContext context) => Identified("issued", ClientCountry.Of(context));

    public void SignedIn(HttpContext context) => Identified("signed_in", ClientCountry.Of(context));

    public void CredentialRefused(HttpContext context)
    {
        Identified("refused", ClientCountry.Of(context));
        _failures.Add(ClientAddress.Of(context).Hash);
    }

    public void SessionRegistered(bool succeeded) =>
        _sessionsRegistered.Add(1, new KeyValuePair<string, object?>("outcome", succeeded ? "registered" : "failed"));

    public void UpstreamFailed(string upstream, string error) =>
        _upstreamFailures.Add(1, new("upstream", upstream), new KeyValuePair<string, object?>("error", error));

    public void LimitDecided(string limit, LimitOutcome outcome, int count = 1) =>
        _limitDecisions.Add(count, new("limit", limit), new KeyValuePair<string, object?>("outcome", NameOf(outcome)));

    /// <summary>Shows when the certificate that is served ends.</summary>
    public void ObserveCertificate(Func<DateTimeOffset> expiresAt) => _meter.CreateObservableGauge(
        "homestage.gateway.certificate.expiry.timestamp", () => expiresAt().ToUnixTimeSeconds(), "s", "When the certificate that is served ends, in Unix time.");

    public void Dispose() => _meter.Dispose();

    private void Identified(string name, string? country, long count = 1) =>
        _identities.Add(count, new("event", name), new KeyValuePair<string, object?>("country", country ?? "ZZ"));

    private static string NameOf(LimitOutcome outcome) => outcome switch
    {
        LimitOutcome.Allowed => "allowed",
        LimitOutcome.Refused => "refused",
        LimitOutcome.Remembered => "remembered",
        LimitOutcome.AllowedLocally => "allowed_locally",
        LimitOutcome.RefusedLocally => "refused_locally",
        _ => "unavailable",
    };
}
