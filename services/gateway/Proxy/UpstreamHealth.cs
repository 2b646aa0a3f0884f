using System.Collections.Concurrent;
using System.Net;
using HomeStage.Hosting.Identity;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace HomeStage.Gateway.Proxy;

/// <summary>
/// What the replicas of an upstream say of themselves when they are asked whether they are ready. One that says no is believed at once: it
/// stops in a few seconds. One that does not answer is left out after two questions: it may only have been slow.
/// </summary>
internal sealed class SaidReadiness(IDestinationHealthUpdater updater) : IActiveHealthCheckPolicy
{
    private const int Unanswered = 2;

    private readonly ConcurrentDictionary<DestinationState, int> _unanswered = [];

    public string Name => "SaidReadiness";

    public void ProbingCompleted(ClusterState cluster, IReadOnlyList<DestinationProbingResult> probingResults) =>
        updater.SetActive(cluster, probingResults.Select(result => new NewActiveDestinationHealth(result.Destination, HealthOf(result))).ToArray());

    private DestinationHealth HealthOf(DestinationProbingResult result)
    {
        if (result.Response is not { } answer)
        {
            return _unanswered.AddOrUpdate(result.Destination, 1, (_, count) => Math.Min(count + 1, Unanswered)) < Unanswered
                ? result.Destination.Health.Active
                : DestinationHealth.Unhealthy;
        }

        _unanswered[result.Destination] = 0;
        return answer.StatusCode == HttpStatusCode.OK ? DestinationHealth.Healthy : DestinationHealth.Unhealthy;
    }
}

/// <summary>Asks management listeners, which speak HTTP/1.1 whatever the requests of their cluster go by.</summary>
internal sealed class ManagementProbes : IProbingRequestFactory
{
    public HttpRequestMessage CreateRequest(ClusterModel cluster, DestinationModel destination) => new(
        HttpMethod.Get, new Uri(new Uri(destination.Config.Health ?? destination.Config.Address), cluster.Config.HealthCheck?.Active?.Path))
    {
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };
}

/// <summary>Leaves out for a while a replica that a request could not be connected to: the next request need not find it out again.</summary>
internal sealed class FailedConnections(IDestinationHealthUpdater updater) : IPassiveHealthCheckPolicy
{
    private static readonly TimeSpan LeftOutFor = TimeSpan.FromSeconds(5);

    public string Name => "FailedConnections";

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        if (context.Features.Get<IForwarderErrorFeature>()?.IsUnsent() is true)
            updater.SetPassive(cluster, destination, DestinationHealth.Unhealthy, LeftOutFor);
    }
}

internal static class ForwarderErrors
{
    /// <summary>Whether no upstream can have seen the request, because there was no connection.</summary>
    internal static bool IsUnsent(this IForwarderErrorFeature failure) =>
        failure is { Error: ForwarderError.Request, Exception: HttpRequestException { WasNotSent: true } };
}
