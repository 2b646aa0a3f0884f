namespace HomeStage.EndToEnd.Tests;

/// <summary>
/// What a balancer in front of several gateways does: each request to the next one of those that say they are ready, which it asks all the
/// time, and past one that takes no connections.
/// </summary>
internal sealed class GatewaysInTurn : DelegatingHandler
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(250);

    private readonly IReadOnlyList<(Uri Url, Uri Ready)> _gateways;
    private readonly CancellationTokenSource _disposed = new();
    private HashSet<Uri> _ready;
    private int _next = -1;

    public GatewaysInTurn(IReadOnlyList<(Uri Url, Uri Ready)> gateways)
        : base(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
    {
        _gateways = gateways;
        _ready = [.. gateways.Select(gateway => gateway.Url)];
        _ = AskAsync();
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var ready = Volatile.Read(ref _ready);
        var first = (uint)Interlocked.Increment(ref _next);
        var turn = Enumerable.Range(0, _gateways.Count).Select(i => _gateways[(int)((first + (uint)i) % (uint)_gateways.Count)].Url)
            .OrderByDescending(ready.Contains).ToList();
        foreach (var gateway in turn)
        {
            request.RequestUri = new Uri(gateway, request.RequestUri!.PathAndQuery);
            try
            {
                return await base.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException refused) when (refused.HttpRequestError == HttpRequestError.ConnectionError && gateway != turn[^1])
            {
                // Nothing was sent.
            }
        }

        throw new InvalidOperationException("There is no gateway.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _disposed.Cancel();
        base.Dispose(disposing);
    }

    private async Task AskAsync()
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(2) };
        while (!_disposed.IsCancellationRequested)
        {
            var answers = await Task.WhenAll(_gateways.Select(gateway => IsReadyAsync(client, gateway.Ready)));
            Volatile.Write(ref _ready, [.. _gateways.Where((_, index) => answers[index]).Select(gateway => gateway.Url)]);
            await Task.Delay(AskEvery, _disposed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task<bool> IsReadyAsync(HttpClient client, Uri ready)
    {
        try
        {
            using var answer = await client.GetAsync(ready);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception away) when (away is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }
}
