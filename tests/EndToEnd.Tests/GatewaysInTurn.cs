namespace HomeStage.EndToEnd.Tests;

/// <summary>What a balancer in front of several gateways does: each request to the next one, past one that takes no connections.</summary>
internal sealed class GatewaysInTurn(IReadOnlyList<Uri> gateways) : DelegatingHandler
{
    private int _next = -1;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var first = (uint)Interlocked.Increment(ref _next);
        for (var tries = 1; ; tries++)
        {
            var gateway = gateways[(int)((first + (uint)tries) % (uint)gateways.Count)];
            request.RequestUri = new Uri(gateway, request.RequestUri!.PathAndQuery);
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException refused) when (refused.HttpRequestError == HttpRequestError.ConnectionError && tries < gateways.Count)
            {
                // Nothing was sent.
            }
        }
    }
}
