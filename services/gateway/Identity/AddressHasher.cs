using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace HomeStage.Gateway.Identity;

/// <summary>
/// Turns a client's address into the <c>iph</c> that the services count by: base64url of HMAC-SHA-256(pepper, address).
/// IPv6 is cut to /64, which is what one household gets; an IPv4-mapped address is the IPv4 address.
/// </summary>
internal sealed class AddressHasher(byte[] pepper)
{
    /// <summary>The hash; a connection without an address counts as the unspecified one.</summary>
    public string Hash(IPAddress? address)
    {
        address = Plain(address);
        return HashBytes(address, address.AddressFamily == AddressFamily.InterNetworkV6 ? 8 : 4);
    }

    /// <summary>The hash of an IPv6 address's /48, the network that many households share; null for IPv4.</summary>
    public string? HashNetwork(IPAddress? address)
    {
        address = Plain(address);
        return address.AddressFamily == AddressFamily.InterNetworkV6 ? HashBytes(address, 6) : null;
    }

    private static IPAddress Plain(IPAddress? address)
    {
        address ??= IPAddress.Any;
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }

    private string HashBytes(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(pepper, bytes[..length], hash);
        return Base64UrlEncoder.Encode(hash.ToArray());
    }
}
