using System.Diagnostics.Metrics;

namespace HomeStage.Gateway.Telemetry;

/// <summary>What the gateway counts.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> securityEvents;
    private readonly Counter<long> sessionsIssued;
    private readonly Counter<long> sessionsRegistered;
    private readonly Counter<long> upstreamFailures;

    public GatewayMetrics(IMeterFactory meters)
    {
        meter = meters.Create("HomeStage.Gateway");
        securityEvents = meter.CreateCounter<long>("homestage.gateway.security_events", description: "Requests refused for safety, by event and reason.");
        sessionsIssued = meter.CreateCounter<long>("homestage.gateway.sessions_issued", description: "Visitor sessions issued.");
        sessionsRegistered = meter.CreateCounter<long>("homestage.gateway.session_registrations", description: "Registrations at entitlements, by outcome.");
        upstreamFailures = meter.CreateCounter<long>("homestage.gateway.upstream_failures", description: "Requests that an upstream did not answer, by upstream and error.");
    }

    public void SecurityEvent(string name, string reason) =>
        securityEvents.Add(1, new("event", name), new KeyValuePair<string, object?>("reason", reason));

    public void SessionIssued() => sessionsIssued.Add(1);

    public void SessionRegistered(bool succeeded) =>
        sessionsRegistered.Add(1, new KeyValuePair<string, object?>("outcome", succeeded ? "registered" : "failed"));

    public void UpstreamFailed(string upstream, string error) =>
        upstreamFailures.Add(1, new("upstream", upstream), new KeyValuePair<string, object?>("error", error));

    public void Dispose() => meter.Dispose();
}
