using System.Diagnostics.Metrics;
using HomeStage.Gateway.Limits;

namespace HomeStage.Gateway.Telemetry;

/// <summary>What the gateway counts.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _securityEvents;
    private readonly Counter<long> _sessionsIssued;
    private readonly Counter<long> _sessionsRegistered;
    private readonly Counter<long> _upstreamFailures;
    private readonly Counter<long> _limitDecisions;

    public GatewayMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("HomeStage.Gateway");
        _securityEvents = _meter.CreateCounter<long>("homestage.gateway.security_events", description: "Requests refused for safety, by event and reason.");
        _sessionsIssued = _meter.CreateCounter<long>("homestage.gateway.sessions_issued", description: "Visitor sessions issued.");
        _sessionsRegistered = _meter.CreateCounter<long>("homestage.gateway.session_registrations", description: "Registrations at entitlements, by outcome.");
        _upstreamFailures = _meter.CreateCounter<long>("homestage.gateway.upstream_failures", description: "Requests that an upstream did not answer, by upstream and error.");
        _limitDecisions = _meter.CreateCounter<long>("homestage.gateway.limit_decisions", description: "Requests that a limit was asked about, by class and outcome.");
    }

    public void SecurityEvent(string name, string reason) =>
        _securityEvents.Add(1, new("event", name), new KeyValuePair<string, object?>("reason", reason));

    public void SessionIssued() => _sessionsIssued.Add(1);

    public void SessionRegistered(bool succeeded) =>
        _sessionsRegistered.Add(1, new KeyValuePair<string, object?>("outcome", succeeded ? "registered" : "failed"));

    public void UpstreamFailed(string upstream, string error) =>
        _upstreamFailures.Add(1, new("upstream", upstream), new KeyValuePair<string, object?>("error", error));

    public void LimitDecided(string limit, LimitOutcome outcome) =>
        _limitDecisions.Add(1, new("limit", limit), new KeyValuePair<string, object?>("outcome", outcome.ToString()));

    public void Dispose() => _meter.Dispose();
}
