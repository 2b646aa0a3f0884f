using System.Collections.Concurrent;

namespace HomeStage.EndToEnd.Tests;

/// <summary>
/// What a balancer in front of several gateways does: each request to the next one, past one that takes no connections, and past one that
/// has said by <c>Connection: close</c> that it wants no more, until it must be back.
/// </summary>
internal sealed class GatewaysInTurn(IReadOnlyList<Uri> gateways) : DelegatingHandler
{
    private static readonly TimeSpan LeftAloneFor = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<Uri, long> _leaving = [];
    private int _next = -1;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var first = (uint)Interlocked.Increment(ref _next);
        var turn = Enumerable.Range(0, gateways.Count).Select(i => gateways[(int)((first + (uint)i) % (uint)gateways.Count)]).OrderBy(IsLeaving).ToList();
        foreach (var gateway in turn)
        {
            request.RequestUri = new Uri(gateway, request.RequestUri!.PathAndQuery);
            try
            {
                var answer = await base.SendAsync(request, cancellationToken);
                if (answer.Headers.ConnectionClose is true)
                    _leaving[gateway] = TimeProvider.System.GetTimestamp();
                return answer;
            }
            catch (HttpRequestException refused) when (refused.HttpRequestError == HttpRequestError.ConnectionError && gateway != turn[^1])
            {
                // Nothing was sent.
            }
        }

        throw new InvalidOperationException("There is no gateway.");
    }

    private bool IsLeaving(Uri gateway) => _leaving.TryGetValue(gateway, out var since) && TimeProvider.System.GetElapsedTime(since) < LeftAloneFor;
}
