using System.Net;
using System.Text;
using HomeStage.Gateway.Identity;
using HomeStage.Hosting;
using Microsoft.Extensions.Caching.Memory;

namespace HomeStage.Gateway.Requests;

/// <summary>
/// The hashes of addresses. Those of the last minute are remembered: to hash one costs more than most of what else is asked about a request.
/// </summary>
internal sealed class ClientAddresses(AddressHasher hasher) : IDisposable
{
    private const int Limit = 50_000;

    private static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(1);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = Limit });

    /// <summary>What is known of a peer by its address; a connection without one counts as coming from the unspecified one.</summary>
    public ClientAddress Of(IPAddress? peer)
    {
        peer ??= IPAddress.Any;
        if (_cache.TryGetValue(peer, out ClientAddress? known))
            return known!;
        var hash = hasher.Hash(peer);
        var address = new ClientAddress(hash, "a:" + hash, hasher.HashNetwork(peer) is { } network ? "n:" + network : null);
        _cache.Set(peer, address, new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = RememberedFor });
        return address;
    }

    public void Dispose() => _cache.Dispose();
}

internal static class ClientAddressesExtensions
{
    /// <summary>Reads <c>ADDRESS_PEPPER</c>. Once trusted proxies have said whose it is, each request has its <see cref="ClientAddress"/>.</summary>
    internal static void AddClientAddresses(this ServiceBuilder service)
    {
        var pepper = service.Settings.Secret("ADDRESS_PEPPER", "a random secret that addresses are hashed with");
        service.Services.AddSingleton(new AddressHasher(Encoding.UTF8.GetBytes(pepper)));
        service.Services.AddSingleton<ClientAddresses>();
        service.Use(app =>
        {
            var addresses = app.Services.GetRequiredService<ClientAddresses>();
            app.Use((context, next) =>
            {
                context.Features.Set(addresses.Of(context.Connection.RemoteIpAddress));
                return next(context);
            });
        });
    }
}
