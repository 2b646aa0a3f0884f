using HomeStage.Gateway.Identity;

namespace HomeStage.Gateway.Requests;

/// <summary>
/// Where a request comes from, hashed once: the connection's peer, or what trusted proxies say (see <see cref="TrustedProxies"/>).
/// </summary>
/// <param name="Hash">The <c>iph</c> that services count by.</param>
/// <param name="Subject">The address as limits count it.</param>
/// <param name="Network">The /48 of an IPv6 address as limits count it; null for IPv4.</param>
internal sealed record ClientAddress(string Hash, string Subject, string? Network)
{
    internal static ClientAddress Of(HttpContext context)
    {
        if (context.Features.Get<ClientAddress>() is { } known)
            return known;
        var hasher = context.RequestServices.GetRequiredService<AddressHasher>();
        var peer = context.Connection.RemoteIpAddress;
        var hash = hasher.Hash(peer);
        var address = new ClientAddress(hash, "a:" + hash, hasher.HashNetwork(peer) is { } network ? "n:" + network : null);
        context.Features.Set(address);
        return address;
    }
}
