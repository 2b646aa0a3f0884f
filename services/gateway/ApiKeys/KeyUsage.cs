using System.Collections.Concurrent;
using System.Net;
using HomeStage.Gateway.Entitlements;

namespace HomeStage.Gateway.ApiKeys;

/// <summary>
/// Counts requests by key and tells entitlements each half minute, and when the gateway stops. Figures for their owner to look at: what a
/// gateway that is killed did not tell yet is not counted.
/// </summary>
internal sealed class KeyUsage(IServiceProvider services, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<Guid, int> _requests = new();

    internal void Count(Guid key) => _requests.AddOrUpdate(key, 1, static (_, requests) => requests + 1);

    /// <summary>Tells what was counted since the last time; what is not taken is told the next time.</summary>
    internal async Task TellAsync(CancellationToken cancellationToken)
    {
        List<KeyValuePair<Guid, int>> counted = [];
        foreach (var key in _requests.Keys)
        {
            if (_requests.TryRemove(key, out var requests))
                counted.Add(new(key, requests));
        }

        if (counted.Count == 0)
            return;
        var status = await services.GetRequiredService<EntitlementsClient>().SendAsync(
            HttpMethod.Post, "/internal/api-keys/usage", new { Counts = counted.Select(count => new { KeyId = count.Key, Requests = count.Value }) }, cancellationToken);
        if (status == HttpStatusCode.NoContent)
            return;
        foreach (var (key, requests) in counted)
            _requests.AddOrUpdate(key, requests, (_, more) => more + requests);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await TellAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TellEvery, time);
        try
        {
            // A stop does not cut a call off: nobody would know whether it counted.
            while (await timer.WaitForNextTickAsync(stoppingToken))
                await TellAsync(CancellationToken.None);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping.
        }
    }
}
